import path from 'node:path';
import { compareTables, DUMP_FILE, type TableFingerprint } from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { attempt, run } from './exec.ts';
import { readFingerprints } from './fingerprints.ts';
import { APPLICATION, findImageId, finish, psql, startDocker } from './postgres.ts';

/** How many tables are filled and indexes built at a time. */
const JOBS = 2;

// The last commit of a restore is the swap, and that one waits for the disk, for all before it too.
const OPTIONS = '-c synchronous_commit=off -c maintenance_work_mem=128MB';

const nameOf = (container: string) => `${container}-restore`;

/** Part of a dump: a section of it, or the lines of its table of contents that `pg_restore --list` shows. */
export type DumpPart = { section: 'pre-data' | 'post-data' } | { lines: readonly string[] };

/**
 * Fills a database from a dump. pg_restore runs in a container of its own beside postgres, because it must be able to
 * seek in the file to do two things at a time. Owners and privileges of everything come from the dump; so does what
 * only a superuser may create.
 * @param directory of the backup  @param part all of it without
 * @throws Failure with what pg_restore says
 */
export async function fillDatabase(
  container: string,
  database: string,
  directory: string,
  part?: DumpPart,
): Promise<void> {
  const options = ['--host=127.0.0.1', '--username=postgres', `--dbname=${database}`, '--exit-on-error'];
  const selection = !part
    ? []
    : 'section' in part
      ? [`--section=${part.section}`]
      : ['--use-list=/dev/stdin'];
  const args = await pgRestore(container, directory, [...options, `--jobs=${JOBS}`, ...selection]);
  const child = startDocker(args, part && 'lines' in part ? 'pipe' : 'ignore');
  if (part && 'lines' in part) child.stdin?.end(`${part.lines.join('\n')}\n`);
  await finish('pg_restore', args, child);
}

/** The table of contents of a dump, line by line. @throws Failure */
export async function listContents(container: string, directory: string): Promise<string[]> {
  const text = await run('docker', await pgRestore(container, directory, ['--list']));
  return text.split('\n').filter((line) => /^\d+;/.test(line));
}

/** Arguments of docker. Over TCP on postgres' own loopback interface, where initdb lets everybody in. */
async function pgRestore(container: string, directory: string, options: string[]): Promise<string[]> {
  const image = await findImageId(container);
  return [
    ...['run', '--rm', '--interactive', '--name', nameOf(container), '--network', `container:${container}`],
    // Backups are root's alone; as root without any of its privileges.
    ...['--user', '0:0', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true', '--read-only'],
    ...['--env', `PGAPPNAME=${APPLICATION}`, '--env', `PGOPTIONS=${OPTIONS}`],
    ...['--mount', `type=bind,source=${directory},target=/backup,readonly`],
    ...['--entrypoint', 'pg_restore', image, ...options, path.join('/backup', DUMP_FILE)],
  ];
}

/** Ends what a killed restore left running beside postgres. */
export async function endRestore(container: string): Promise<void> {
  await attempt('docker', ['rm', '--force', nameOf(container)]);
}

/**
 * Says of every table whether it holds what it should.
 * @throws Failure naming those that do not
 */
export async function proveDatabase(
  container: string,
  database: string,
  expected: readonly TableFingerprint[],
): Promise<void> {
  // Or its first queries would be planned without knowing anything.
  await psql(container, database, 'analyze;');
  const differences = compareTables(expected, await readFingerprints(container, database));
  if (differences.length === 0) return;
  throw new Failure(`${differences.length} tables do not hold what was dumped`, {
    log: differences.slice(0, 15).join('\n'),
    next: 'restore another backup',
  });
}
