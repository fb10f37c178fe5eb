import { access, chmod, constants, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { type CronJob, rootOf } from '../plan/cron.ts';
import { Failure } from '../report/failure.ts';
import { run } from './exec.ts';
import { exists, writeAtomically } from './files.ts';
import { paths } from './paths.ts';

const DIRECTORY = '/etc/cron.d';
const PID_FILE = '/run/crond.pid';
const START_SECONDS = 10;

/** A file in /etc/cron.d that one of our checkouts wrote. */
export interface CronFile {
  name: string;
  text: string;
}

/** The files of this checkout, whatever the project was called when they were written. */
export async function listCronFiles(root = paths.root, directory = DIRECTORY): Promise<CronFile[]> {
  const names = await readdir(directory).catch(() => []);
  const files = await Promise.all(names.map((name) => readCronFile(name, directory)));
  return files.filter((file) => file !== null).filter(({ text }) => rootOf(text) === root);
}

async function readCronFile(name: string, directory: string): Promise<CronFile | null> {
  return readFile(path.join(directory, name), 'utf8').then(
    (text) => ({ name, text }),
    () => null,
  );
}

/**
 * Writes /etc/cron.d/NAME. cron reads it within a minute, by itself. It passes over a name with anything but
 * letters, digits, "_" and "-", and a file that others may write (Debian's cron(8)).
 * @throws Failure when a file of that name is there and is not ours
 */
export async function writeCronFile({ name, text }: CronFile, directory = DIRECTORY): Promise<void> {
  const present = await readCronFile(name, directory);
  const file = path.join(directory, name);
  if (present && rootOf(present.text) === null)
    throw new Failure(`${file} is there already, and Sevra Atlas has not written it`, {
      state: 'nothing was changed',
      next: 'move that file away, or set another COMPOSE_PROJECT_NAME in .env',
    });
  // Where it appears under a name that cron passes over, until it is whole.
  await writeAtomically(file, text, 0o644);
  await chmod(file, 0o644); // whatever the umask
}

/** Takes a file of listCronFiles away. */
export async function removeCronFile(name: string, directory = DIRECTORY): Promise<void> {
  await rm(path.join(directory, name), { force: true });
}

/** Where node lies, and where this shell finds docker: the jobs must find them too. */
export async function findToolDirectories(): Promise<string[]> {
  const directories = [path.dirname(await realpath(process.execPath))];
  for (const directory of (process.env.PATH ?? '').split(':').filter(path.isAbsolute)) {
    const isThere = await access(path.join(directory, 'docker'), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return [...directories, directory];
  }
  return directories;
}

/** Whether something runs what is in /etc/cron.d. */
export async function cronRuns(): Promise<boolean> {
  const pid = (await readFile(PID_FILE, 'utf8').catch(() => '')).trim();
  const command = /^\d+$/.test(pid) && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''));
  return typeof command === 'string' && command.trim() === 'cron';
}

/**
 * Installs cron and starts it, now and at boot, unless that is done. Must not be called under the lock: the daemon
 * that it starts would keep it.
 * @throws Failure
 */
export async function startCron(): Promise<void> {
  const next = 'install and start cron by hand, then: make cron';
  await run(path.join(paths.root, 'ops/bootstrap.sh'), ['run', '--packages', 'cron'], {
    ...{ showsProgress: true, shownAs: "ops/bootstrap.sh run --packages 'cron'", next },
  });
  if (await cronRuns()) return;
  if (await exists('/run/systemd/system')) await run('systemctl', ['enable', '--now', 'cron'], { next });
  else await startDaemon();
  const deadline = Date.now() + START_SECONDS * 1000;
  while (!(await cronRuns())) {
    if (Date.now() > deadline) throw new Failure('cron does not start', { command: 'cron', next });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** No systemd, as in a container: cron goes to the background by itself, holding none of our files. */
async function startDaemon(): Promise<void> {
  const result = await execa('cron', [], {
    ...{ reject: false, stdio: 'ignore', cwd: '/', extendEnv: false },
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  if (result.exitCode === 0) return;
  throw new Failure('cron does not start', {
    ...{ command: 'cron', log: String(result.shortMessage), next: 'start cron by hand, then: make cron' },
  });
}

/** The time zone that cron goes by: the machine's, whatever TZ says in this shell. */
export async function hostTimeZone(): Promise<string> {
  const target = await readlink('/etc/localtime').catch(() => '');
  const [, zone] = /zoneinfo\/(.+)$/.exec(target) ?? [];
  if (zone) return zone;
  return (await readFile('/etc/timezone', 'utf8').catch(() => '')).trim() || 'UTC';
}

/** When a job ended last and with which exit code, as ops/cron.sh wrote it; null before the first time. */
export async function readLastRun(job: CronJob): Promise<{ ended: string; exitCode: number } | null> {
  const text = await readFile(path.join(paths.cronLogs, `${job}.last`), 'utf8').catch(() => '');
  const [, ended, code] = /^(\S+Z) exit (\d+)$/m.exec(text) ?? [];
  return ended && code ? { ended, exitCode: Number(code) } : null;
}
