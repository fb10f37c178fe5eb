import { setTimeout as delay } from 'node:timers/promises';
import { DATABASE, formatDatabaseName } from '../plan/backups.ts';
import { EXIT, type Failure } from '../report/failure.ts';
import { endSessions, explain, psql } from './postgres.ts';

const SWAP_ATTEMPTS = 3;

/**
 * Puts a database in the place of the current one, in one transaction, and keeps the current one under a name
 * made of `now`. Sessions of both are ended.
 * @returns that name  @throws Failure with both as they were; exit 3 when postgres cannot say whether they are
 */
export async function swapDatabases(container: string, incoming: string, now: Date): Promise<string> {
  const kept = formatDatabaseName('before', now);
  for (let count = 1; ; count++) {
    const failure = await trySwap(container, incoming, kept);
    if (!failure || (await isSwapped(container, incoming, kept))) return kept;
    if (count === SWAP_ATTEMPTS)
      throw explain(failure, `${incoming} did not get into its place`, { state: 'no database was renamed' });
  }
}

/**
 * From the moment the rename asks for its lock until it has it nobody new gets in, and it gives those inside
 * five seconds to leave: meanwhile they are ended. So no setting ever locks the site out that a kill could leave.
 */
async function trySwap(container: string, incoming: string, kept: string): Promise<Failure | null> {
  const script = `
set lock_timeout = '10s';
begin;
alter database ${DATABASE} rename to ${kept};
alter database ${incoming} rename to ${DATABASE};
commit;
`;
  let isOver = false;
  const renamed = psql(container, 'postgres', script).then(
    () => null,
    (error: Failure) => error,
  );
  const over = renamed.finally(() => {
    isOver = true;
  });
  const inside = `datname in ('${DATABASE}', '${incoming}')`;
  while (!isOver) {
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where ${inside};`;
    await psql(container, 'postgres', end).catch(() => {});
    await Promise.race([over, delay(100)]);
  }
  return renamed;
}

/** What became of a rename that did not report: nothing of it goes on after this. */
async function isSwapped(container: string, incoming: string, kept: string): Promise<boolean> {
  const exists = (name: string) => `exists (select from pg_database where datname = '${name}')`;
  try {
    await endSessions(container);
    const answer = await psql(container, 'postgres', `select ${exists(kept)} and not ${exists(incoming)};`);
    return answer.trim() === 't';
  } catch (error) {
    throw explain(error, 'postgres does not say which database is in place', {
      state: `the database from before is ${DATABASE}, or ${kept} if the swap was made`,
      next: 'make logs SERVICE=postgres; when it runs, make psql and \\l',
      exitCode: EXIT.human,
    });
  }
}
