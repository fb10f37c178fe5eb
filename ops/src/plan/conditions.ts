import type { Condition } from './alerts.ts';
import { type BackupEvent, findLatestGood } from './backup-events.ts';
import { type Container, describeState, isHealthy, SERVICES } from './containers.ts';
import type { LedgerEntry } from './releases.ts';

const HOUR = 3600;
/** A night, and two hours for it to be late in. */
const BACKUP_SECONDS = 26 * HOUR;
/** A week, and a day. */
const DRILL_SECONDS = 8 * 24 * HOUR;
const DISK_PERCENT = 85;
const QUEUE_SECONDS = 15 * 60;
/** Five minutes, less half a minute so that what cron is late by does not make it more. */
export const GRACE_SECONDS = 270;

export type Judgement = Pick<Condition, 'state' | 'title' | 'isExplained'>;

/** What the ledger tells: all of it can be known without measuring anything. */
export interface LedgerFacts {
  /** Deploys and rollbacks, oldest first. */
  releases: readonly LedgerEntry[];
  /** Backups, drills and restores, oldest first. */
  backups: readonly BackupEvent[];
  /** A deploy or rollback that was killed and that nobody took up yet. */
  killed: { what: string; tag: string; step: string; started: string } | null;
  /** A restore that was killed, with the public told to come back. */
  killedRestore: { backup: string; started: string } | null;
  /** Under backups/, and not to be restored; null when that cannot be read. */
  broken: readonly { name: string; why: string }[] | null;
  /** ISO 8601, UTC. */
  now: string;
}

/** The last deploy, the last backup, the last drill. */
export function judgeLedger(facts: LedgerFacts): Condition[] {
  return [
    {
      ...{ key: 'release', name: 'last deploy', graceSeconds: 0 },
      ...judgeRelease(facts),
      next: 'make releases; then deploy a release that is good, or make deploy again',
    },
    {
      ...{ key: 'backup', name: 'last backup', graceSeconds: 0 },
      ...judgeRun('backup', BACKUP_SECONDS, facts),
      next: 'make backup; make cron installs the nightly one',
    },
    {
      ...{ key: 'base', name: 'last base backup', graceSeconds: 0 },
      ...judgeRun('base', BACKUP_SECONDS, facts),
      next: 'make base; make cron installs the nightly one',
    },
    {
      ...{ key: 'drill-at', name: 'last drill to an instant', graceSeconds: 0 },
      ...judgeRun('drill-at', DRILL_SECONDS, facts),
      next: 'make drill; make cron installs the weekly one',
    },
    {
      ...{ key: 'drill', name: 'last drill', graceSeconds: 0 },
      ...judgeRun('drill', DRILL_SECONDS, facts),
      next: 'make drill; make cron installs the weekly one',
    },
    {
      ...{ key: 'backups', name: 'backups whole', graceSeconds: 0 },
      ...judgeBroken(facts),
      next: 'make backups says what to do; make backup clears away what was killed',
    },
    {
      ...{ key: 'restore', name: 'restore', graceSeconds: 0 },
      ...judgeRestore(facts),
      next: 'make restore does it again; make deploy lets the public in, to the database that is in place',
    },
  ];
}

function judgeBroken({ broken }: LedgerFacts): Judgement {
  if (!broken) return { state: 'unknown', title: 'backups/ cannot be read' };
  const [first] = broken;
  if (!first) return { state: 'well', title: 'nothing in backups/ is broken' };
  const more = broken.length > 1 ? ` and ${broken.length - 1} more` : '';
  return { state: 'wrong', title: `${first.name} is no backup: ${first.why}${more}` };
}

function judgeRestore({ killedRestore }: LedgerFacts): Judgement {
  if (!killedRestore) return { state: 'well', title: 'none is left half-way' };
  return {
    state: 'wrong',
    title: `the restore of ${killedRestore.backup} was killed, and the public is sent away since`,
  };
}

function judgeRelease({ releases, killed }: LedgerFacts): Judgement {
  if (killed)
    return {
      state: 'wrong',
      title: `the ${killed.what} of ${killed.tag} was killed at "${killed.step}"`,
    };
  const last = releases.at(-1);
  if (!last) return { state: 'unknown', title: 'nothing was deployed yet', isExplained: true };
  const { what, tag, result, why } = last;
  if (result === 'done') return { state: 'well', title: `the ${what} of ${tag} is done` };
  const happened = result === 'failed' ? 'failed' : `was ${result}`;
  return { state: 'wrong', title: `the ${what} of ${tag} ${happened}${because(why)}` };
}

const RUNS = {
  backup: 'backup',
  base: 'base backup',
  drill: 'drill',
  'drill-at': 'drill to an instant',
} as const;

/** The latest run must have ended well, and a good one must not be older than it may. */
function judgeRun(what: keyof typeof RUNS, maxSeconds: number, facts: LedgerFacts): Judgement {
  const last = facts.backups.findLast((event) => event.what === what);
  const good = findLatestGood(facts.backups, what);
  if (last && last !== good) {
    const happened = last.result === 'not-run' ? 'could not run' : 'failed';
    return { state: 'wrong', title: `the last ${RUNS[what]} ${happened}${because(last.why)}` };
  }
  // From the first deploy on there should be one.
  const begin = good?.started ?? facts.releases.find(({ result }) => result === 'done')?.started;
  if (!begin) return { state: 'unknown', title: 'nothing was deployed yet', isExplained: true };
  const age = (Date.parse(facts.now) - Date.parse(begin)) / 1000;
  const title = good
    ? `the newest good ${RUNS[what]} is ${describeHours(age)} old`
    : `no good ${RUNS[what]} in the ${describeHours(age)} since the first deploy`;
  if (age > maxSeconds) return { state: 'wrong', title };
  return good ? { state: 'well', title } : { state: 'unknown', title, isExplained: true };
}

/** The first line of a reason; some list a problem on each. */
const because = (why: string | undefined) => (why ? `: ${why.trim().split('\n')[0]}` : '');

const describeHours = (seconds: number) =>
  seconds < 72 * HOUR
    ? `${Math.max(0, Math.round(seconds / HOUR))} h`
    : `${Math.round(seconds / HOUR / 24)} days`;

/**
 * Whether each service of the topology has a container in a good state. Not wal, which is judged by what it has received.
 * @param containers null: the engine is away
 */
export function judgeServices(containers: readonly Container[] | null): Condition[] {
  return SERVICES.filter((service) => service !== 'wal').map((service) => {
    const same = {
      ...{ key: `service-${service}`, name: service, graceSeconds: GRACE_SECONDS },
      next: `make logs SERVICE=${service}; make start when it was stopped`,
    };
    if (!containers) return { ...same, ...awayWith('the container engine does not answer') };
    const own = containers.filter((one) => one.service === service);
    const good = own.find(isHealthy);
    if (good) return { ...same, state: 'well', title: `${service} is ${describeState(good)}` };
    const states = own.map(describeState).join(', ') || 'not there';
    return { ...same, state: 'wrong', title: `${service} is ${states}` };
  });
}

/** Unknown for a reason that has an incident of its own. */
export const awayWith = (title: string): Judgement => ({ state: 'unknown', title, isExplained: true });

/** The container engine. */
export function judgeEngine(answers: boolean): Condition {
  return {
    ...{ key: 'engine', name: 'engine', graceSeconds: GRACE_SECONDS },
    state: answers ? 'well' : 'wrong',
    title: answers ? 'the container engine answers' : 'the container engine does not answer',
    next: 'systemctl status docker; systemctl start docker',
  };
}

/** One file system. */
export interface Disk {
  /** A directory on it. */
  directory: string;
  /** As df counts: what is used, of what is used and what may still be written. */
  usedPercent: number;
  freeBytes: number;
}

/** @param disks null: they could not be measured */
export function judgeDisks(disks: readonly Disk[] | null): Condition {
  const same = {
    ...{ key: 'disk', name: 'disk', graceSeconds: GRACE_SECONDS },
    next: 'df -h; docker system df; make backups shows what backups hold',
  };
  if (!disks) return { ...same, state: 'unknown', title: 'the file systems do not tell' };
  const full = disks.filter(({ usedPercent }) => usedPercent > DISK_PERCENT);
  const title = (full.length > 0 ? full : disks)
    .map(({ directory, usedPercent }) => `the disk of ${directory} is ${Math.round(usedPercent)}% full`)
    .join('; ');
  return { ...same, state: full.length > 0 ? 'wrong' : 'well', title };
}

/** @param trouble what plan/certificate.ts finds  @param serves whether nginx runs: otherwise that is the incident */
export function judgeCertificate(trouble: string | null, serves: boolean, described: string): Condition {
  const same = { key: 'certificate', name: 'certificate', graceSeconds: 0, next: 'make certs tells more' };
  if (!serves) return { ...same, ...awayWith('nginx does not run') };
  return { ...same, state: trouble ? 'wrong' : 'well', title: trouble ?? described };
}

/**
 * Photos that wait although a worker is there to take them.
 * @param oldestSeconds how long the oldest has waited; 0: none does; null: nobody tells
 * @param isServed whether worker and api are up: otherwise that is the incident
 */
export function judgeQueue(oldestSeconds: number | null, isServed: boolean): Condition {
  const same = { key: 'queue', name: 'queue', graceSeconds: 0, next: 'make logs SERVICE=worker' };
  if (!isServed) return { ...same, ...awayWith('the worker or the api does not run') };
  if (oldestSeconds === null) return { ...same, state: 'unknown', title: 'the api does not tell' };
  if (oldestSeconds === 0) return { ...same, state: 'well', title: 'no photo waits' };
  const title = `the oldest photo has waited for ${Math.round(oldestSeconds / 60)} min`;
  return { ...same, state: oldestSeconds > QUEUE_SECONDS ? 'wrong' : 'well', title };
}
