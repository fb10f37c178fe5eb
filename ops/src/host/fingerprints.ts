import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { DATABASE, type TableFingerprint } from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { finish, psql, psqlArgs, startDocker } from './postgres.ts';

/** Fingerprints of all tables of a database, comparable with those of a manifest. @throws Failure */
export async function readFingerprints(container: string, database: string): Promise<TableFingerprint[]> {
  return parseLines<TableFingerprint>(await psql(container, database, `${STABLE_SETTINGS}${FINGERPRINTS}`));
}

// The text of a value depends on settings: with these it is the same whenever and wherever it is asked for.
const STABLE_SETTINGS = `
set search_path = pg_catalog;
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set extra_float_digits = 1;
set bytea_output = 'hex';
set lc_monetary = 'C';
set statement_timeout = 0;
set lock_timeout = '30s';
`;

// Ordinary tables and partitions, each row once, without those that pg_dump leaves to an extension.
// (t.*) because a column may be called t.
const FINGERPRINTS = `
select format(
  $$select json_build_object('name', %L::text, 'rows', count(*), 'sum',
    coalesce(sum(hashtextextended((t.*)::text, 0)::numeric), 0)::text) from only %I.%I t$$,
  format('%I.%I', nspname, relname), nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and relpersistence <> 't' and nspname !~ '^pg_' and nspname <> 'information_schema'
  and not exists (select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by nspname collate "C", relname collate "C" \\gexec
`;

// The session may be idle while pg_dump runs: compose/data.yml ends such transactions after 60 s. One process at
// a time, because the site goes on answering meanwhile.
const OPEN_SNAPSHOT = `${STABLE_SETTINGS}
set max_parallel_workers_per_gather = 0;
set idle_in_transaction_session_timeout = 0;
set transaction_timeout = 0;
begin isolation level repeatable read read only;
select json_build_object('snapshot', pg_export_snapshot(), 'version', current_setting('server_version'));
${FINGERPRINTS}
\\echo ready
`;

interface Snapshot {
  snapshot: string;
  version: string;
  /** Read in that snapshot while it is already in use. */
  tables: Promise<TableFingerprint[]>;
}

/** Holds one snapshot open in a session of psql while `use` runs; what it read was read in that snapshot. */
export async function withSnapshot<T>(
  container: string,
  use: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const args = psqlArgs(container, DATABASE);
  const session = startDocker(args, 'pipe', false);
  const stdin = session.stdin as Writable;
  const ended = finish('psql', args, session);
  const died = ended.then(() => Promise.reject(new Failure('psql ended before it had a snapshot')));
  died.catch(() => {}); // also when nobody waits for it any more
  try {
    stdin.write(OPEN_SNAPSHOT);
    const answer = readAnswer(session.stdout as Readable);
    const first = await Promise.race([answer.next(), died]);
    const { snapshot, version } = JSON.parse(first.value ?? '') as { snapshot: string; version: string };
    const tables = Promise.race([readRows(answer), died]);
    tables.catch(() => {}); // the dump may fail first
    const result = await use({ snapshot, version, tables });
    // Fails when the session was lost meanwhile, and with it its locks on the tables.
    stdin.end('commit;\n');
    await ended;
    return result;
  } finally {
    stdin.end();
    await ended.catch(() => {});
  }
}

/** Its lines up to "ready". */
async function* readAnswer(stdout: Readable): AsyncGenerator<string, void, undefined> {
  for await (const line of createInterface(stdout)) {
    if (line === 'ready') return;
    yield line;
  }
}

async function readRows(lines: AsyncGenerator<string>): Promise<TableFingerprint[]> {
  const rows: TableFingerprint[] = [];
  for await (const line of lines) rows.push(...parseLines<TableFingerprint>(line));
  return rows;
}

function parseLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
