import {
  type CronFile,
  cronRuns,
  findToolDirectories,
  hostTimeZone,
  listCronFiles,
  readLastRun,
  removeCronFile,
  startCron,
  writeCronFile,
} from '../host/cron.ts';
import { loadSettings } from '../host/env-file.ts';
import { paths } from '../host/paths.ts';
import { planCron, refuseRoot, renderCron } from '../plan/cron.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { formatTable } from '../report/table.ts';

export interface CronOptions {
  /** Take the jobs away instead. */
  remove?: boolean;
}

/**
 * Gives backups, drills and health to the machine's cron, or takes them away; then prints when each runs. Changes only
 * what is not so already.
 * @throws Failure when it is not root who asks for a change
 */
export async function cron({ remove }: CronOptions): Promise<ExitCode> {
  const { CRON, COMPOSE_PROJECT_NAME: project } = await loadSettings();
  if (remove || CRON === 'off') {
    const done = await removeCron();
    for (const line of done.length > 0 ? done : ['cron has no jobs of this directory already']) note(line);
    note(
      CRON === 'off'
        ? 'CRON=off in .env: no backup, drill or health check runs by itself'
        : 'the next make deploy installs them again; CRON=off in .env keeps them away',
    );
    return EXIT.done;
  }
  const done = await installCron(project);
  for (const line of done.length > 0 ? done : [`/etc/cron.d/${project} is as it should be already`])
    note(line);
  process.stdout.write(`${await describeSchedule(project)}\n`);
  return EXIT.done;
}

/**
 * The end of a deploy: the jobs as CRON in .env wants them. The release serves, so whatever fails here is told, not
 * thrown. Not under the lock, see startCron.
 */
export async function keepCron(): Promise<void> {
  try {
    const { CRON, COMPOSE_PROJECT_NAME: project } = await loadSettings();
    for (const line of CRON === 'off' ? await removeCron() : await installCron(project)) note(line);
  } catch (error) {
    const { message, details } = error as Failure;
    note(`note: the nightly jobs are not installed: ${message}`);
    if (details?.next) note(`  next: ${details.next}`);
  }
}

/** @returns a line for each thing that was done */
async function installCron(project: string): Promise<string[]> {
  const wanted: CronFile = { name: project, text: await renderFile(project) };
  const present = await listCronFiles();
  const former = present.filter(({ name }) => name !== project);
  const isThere = present.some(({ name, text }) => name === project && text === wanted.text);
  const isRunning = await cronRuns();
  if (isThere && isRunning && former.length === 0) return [];
  requireRoot();
  if (!isRunning) await startCron();
  if (!isThere) await writeCronFile(wanted);
  for (const { name } of former) await removeCronFile(name);
  return [
    ...(isRunning ? [] : ['cron runs now, and after each boot where systemd starts it']),
    ...(isThere ? [] : [`wrote /etc/cron.d/${project}: backups, drills and health run by themselves`]),
    ...former.map(({ name }) => `removed /etc/cron.d/${name}, which was for this directory too`),
  ];
}

async function removeCron(): Promise<string[]> {
  const present = await listCronFiles();
  if (present.length > 0) requireRoot();
  for (const { name } of present) await removeCronFile(name);
  return present.map(({ name }) => `removed /etc/cron.d/${name}`);
}

async function renderFile(project: string): Promise<string> {
  const refused = refuseRoot(paths.root);
  if (refused)
    throw new Failure(`cron cannot run the jobs: ${refused}`, {
      state: 'nothing was changed',
      next: 'move the directory to another name, or set CRON=off in .env',
      exitCode: EXIT.usage,
    });
  const { DOCKER_HOST: dockerHost } = process.env;
  return renderCron({ project, root: paths.root, directories: await findToolDirectories(), dockerHost });
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Failure('only root may change /etc/cron.d', {
    state: 'cron is as it was',
    next: 'sudo make cron, or CRON=off in .env',
  });
}

async function describeSchedule(project: string): Promise<string> {
  const zone = await hostTimeZone();
  const rows = await Promise.all(
    planCron(project).map(async ({ job, time, when }) => {
      const last = await readLastRun(job);
      const ran = last ? `last ended ${last.ended}, exit ${last.exitCode}` : 'has not run yet';
      const hasHour = time.split(' ')[1] !== '*';
      return [job, hasHour ? `${when} ${zone} (host time)` : when, ran];
    }),
  );
  return formatTable(rows);
}
