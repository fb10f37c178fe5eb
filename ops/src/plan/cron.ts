/** What cron runs by itself; each is a job of ops/cron.sh. */
export type CronJob = 'backup' | 'base' | 'base-due' | 'drill' | 'health' | 'offsite';

/** One line of the file: when, in cron's own terms and in words. */
export interface CronEntry {
  job: CronJob;
  /** Minute, hour, day of month, month, day of week. */
  time: string;
  /** Seconds into the minute; cron itself knows minutes only. */
  seconds: readonly number[];
  when: string;
}

export interface CronFacts {
  /** COMPOSE_PROJECT_NAME. */
  project: string;
  /** Absolute path of the checkout. */
  root: string;
  /** Directories of node and docker as the installing shell found them. */
  directories: readonly string[];
  /** The engine, where it is not the usual one. */
  dockerHost?: string | undefined;
}

const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const MARK = '# Sevra Atlas, jobs of ';

/**
 * The jobs of a project. The minute comes from the project's name, so that the stacks of one machine do not all
 * work at once. Not between 1 and 3, where clocks change.
 */
export function planCron(project: string): CronEntry[] {
  const minute = [...project].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 60;
  const pad = (number: number) => String(number).padStart(2, '0');
  const shown = pad(minute);
  const baseHour = minute < 30 ? 3 : 4;
  return [
    { job: 'backup', time: `${minute} 3 * * *`, seconds: [0], when: `every night at 03:${shown}` },
    // Half an hour later, when the dump is long done: both read all of the database.
    {
      job: 'base',
      time: `${(minute + 30) % 60} ${baseHour} * * *`,
      seconds: [0],
      when: `every night at 0${baseHour}:${pad((minute + 30) % 60)}`,
    },
    {
      job: 'base-due',
      time: `${minute % 5}-59/5 * * * *`,
      seconds: [0],
      when: 'when the WAL has none, every 5 minutes',
    },
    { job: 'drill', time: `${minute} 5 * * 0`, seconds: [0], when: `on Sundays at 05:${shown}` },
    // Goes on for as long as it can; each minute only looks whether it still does.
    { job: 'offsite', time: '* * * * *', seconds: [0], when: 'all the time, when BACKUP_S3_BUCKET is set' },
    // What is wrong with the WAL is to be told within a minute: plan/wal-health.ts.
    { job: 'health', time: '* * * * *', seconds: [0, 30], when: 'every 30 seconds' },
  ];
}

/** Why cron could not run anything in this directory; null when it can. */
export function refuseRoot(root: string): string | null {
  // crontab(5) has no way to write them in a command: a line ends at the first, and \\ means one or two of the other.
  return /[\n\\]/.test(root) ? 'a line break or a backslash in the name of this directory' : null;
}

/**
 * The file for /etc/cron.d, which is crontab(5) with a user in each line: percent signs end a command there unless
 * escaped, and the shell splits at spaces unless quoted.
 */
export function renderCron({ project, root, directories, dockerHost }: CronFacts): string {
  const script = `'${`${root}/ops/cron.sh`.replaceAll("'", `'\\''`)}'`.replaceAll('%', '\\%');
  return [
    `${MARK}${root}`,
    '# Written by make cron and by make deploy, which write it anew: do not edit. make cron REMOVE=1 takes it away,',
    '# CRON=off in .env keeps it away. Times are of the time zone of this machine; the log is in .atlas/log/cron.log.',
    'SHELL=/bin/bash',
    `PATH=${[...new Set([...directories, ...STANDARD_PATH])].join(':')}`,
    'MAILTO=""',
    ...(dockerHost ? [`DOCKER_HOST=${dockerHost}`] : []),
    '',
    ...planCron(project).flatMap(({ job, time, seconds }) =>
      seconds.map((second) => `${time} root ${second > 0 ? `sleep ${second}; ` : ''}${script} ${job}`),
    ),
    '',
  ].join('\n');
}

/** The checkout that a file in /etc/cron.d belongs to; null for a file that is not ours. */
export function rootOf(text: string): string | null {
  const [first = ''] = text.split('\n', 1);
  return first.startsWith(MARK) ? first.slice(MARK.length) : null;
}
