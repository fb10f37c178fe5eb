import { execa, type Options } from 'execa';
import { Failure, type FailureDetails } from '../report/failure.ts';
import { attempt, formatCommand, lastLines, type Outcome, run } from './exec.ts';
import { inheritedDescriptors } from './lock-descriptor.ts';

// What our sessions are called in pg_stat_activity, so that those a killed command left can be ended by name.
export const APPLICATION = 'atlas-backup';

/**
 * Runs a script as superuser, on the socket inside the container, where initdb lets everybody in.
 * @returns rows without headings  @throws Failure with the last lines at the first statement that fails
 */
export async function psql(container: string, database: string, script: string): Promise<string> {
  const outcome = await attempt('docker', psqlArgs(container, database), { input: script });
  if (outcome.exitCode !== 0) throw failed('psql', outcome);
  return outcome.stdout;
}

/** SQL for a moment as ISO 8601 in UTC. @param expression SQL of type timestamptz */
export const isoTime = (expression: string) =>
  `to_char(${expression} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQL for the number of the timeline that is written now. */
export const CURRENT_TIMELINE = `('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`;

/** Arguments of docker for a command in the container. */
export const inContainer = (container: string, ...command: string[]) => [
  ...['exec', '--interactive', '--env', `PGAPPNAME=${APPLICATION}`, container],
  ...command,
];

export const psqlArgs = (container: string, database: string) =>
  inContainer(container, 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', database);

/** Starts docker with pipes for its output, or for all of its streams; never rejects. */
export function startDocker(args: readonly string[], stdin: 'ignore' | 'pipe' | number, isBuffered = true) {
  // Their type ends at 9; any descriptor does.
  const stdio = [stdin, 'pipe', 'pipe', ...inheritedDescriptors()] as NonNullable<Options['stdio']>;
  return execa('docker', args, { reject: false, stdio, buffer: { stdout: isBuffered } });
}

/** Waits for its end. @throws Failure with its last lines unless it ends with 0 */
export async function finish(
  what: string,
  args: readonly string[],
  child: ReturnType<typeof startDocker>,
): Promise<void> {
  const { exitCode, stderr, shortMessage } = await child;
  if (exitCode === 0) return;
  const log = exitCode === undefined ? String(shortMessage) : String(stderr ?? '');
  throw failed(what, { exitCode: exitCode ?? 1, command: formatCommand('docker', args), stderr: log });
}

/** The failure of a command in the container. */
export function failed(what: string, { exitCode, command, stderr }: Omit<Outcome, 'stdout'>): Failure {
  return new Failure(`${what} exited with ${exitCode}`, { command, log: lastLines(stderr) });
}

/** Any error as a Failure that also says what it means here; its own advice goes before the one given. */
export function explain(error: unknown, what: string, meaning: FailureDetails): Failure {
  const details = error instanceof Failure ? error.details : {};
  const message = error instanceof Error ? error.message : String(error);
  const state = [details.state, meaning.state].filter(Boolean).join('; ');
  return new Failure(`${what}: ${message}`, { ...meaning, ...details, state });
}

/**
 * Ends whatever else of ours runs in the container, and waits for it: killing `docker exec` does not kill what
 * it started, and a pg_dump left alone holds its locks against the next migration.
 */
export async function endSessions(container: string): Promise<void> {
  const others = `application_name = '${APPLICATION}' and pid <> pg_backend_pid()`;
  const script = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${others};`;
  await psql(container, 'postgres', script);
}

/** The image that a container runs from, by its id, which is a digest. @throws Failure */
export async function findImageId(container: string): Promise<string> {
  return (await run('docker', ['inspect', '--format', '{{.Image}}', container])).trim();
}

export const toMegabytes = (bytes: number) => Math.ceil(bytes / 1_000_000);
