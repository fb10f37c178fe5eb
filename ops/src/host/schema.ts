import { containerName, ONE_SHOT } from '../plan/containers.ts';
import { type Migration, NOTHING } from '../plan/schema.ts';
import { Failure } from '../report/failure.ts';
import type { Compose } from './compose.ts';
import { execIn, lastLogLines, runOneOff, runToEnd } from './containers.ts';
import { lastLines } from './exec.ts';

/**
 * Two lines of JSON. The tables are knex's own and the service's `migration_marks`; neither is there before the
 * first migration, nor the second before the first marked one.
 */
const APPLIED = `psql -XAtq -v ON_ERROR_STOP=1 -U postgres -d atlas <<'END'
select to_regclass('public.knex_migrations') is not null as migrated,
       to_regclass('public.migration_marks') is not null as marked \\gset
\\if :migrated
  select coalesce(jsonb_agg(name order by name), '[]') from public.knex_migrations;
\\else
  select '[]';
\\endif
\\if :marked
  select coalesce(jsonb_agg(name), '[]') from public.migration_marks;
\\else
  select '[]';
\\endif
END`;

/** Runs a `migrate` command of an image in a container of its own, beside the database. */
function migrateOnce(compose: Compose, command: readonly string[]) {
  const project = compose.env.COMPOSE_PROJECT_NAME ?? '';
  return compose
    .describeService('migrate')
    .then(({ image, environment }) =>
      runOneOff({ project, service: 'migrate', image, environment, command, network: `${project}_data` }),
    );
}

/**
 * What the database has: asked by psql beside it, in a fraction of the time that an image's own
 * `migrate list` needs. @throws Failure with what psql wrote
 */
export async function listApplied(postgresContainer: string): Promise<Migration[]> {
  const { exitCode, output } = await execIn(postgresContainer, ['sh', '-c', APPLIED]);
  if (exitCode !== 0)
    throw new Failure('the database does not say which migrations it has', {
      command: `docker exec ${postgresContainer} psql -U postgres -d atlas`,
      log: lastLines(output),
      next: 'make logs SERVICE=postgres',
    });
  const [applied = '[]', marked = '[]'] = output.trim().split('\n');
  const breaking = new Set(JSON.parse(marked) as string[]);
  return (JSON.parse(applied) as string[]).map((name) => ({ name, breaking: breaking.has(name) }));
}

/**
 * Applies what is missing, by the container that compose keeps as `migrate`.
 * @throws Failure with what it wrote; postgres has then undone that step
 */
export async function migrateUp(compose: Compose): Promise<void> {
  await compose.run('create', 'migrate');
  const container = containerName(compose.env.COMPOSE_PROJECT_NAME ?? '', ONE_SHOT);
  if ((await runToEnd(container)) === 0) return;
  throw new Failure('the migration failed', {
    command: `docker logs ${container}`,
    log: await lastLogLines(container),
    next: 'correct the migration, then make deploy; nothing of a step that failed stays in the database',
  });
}

/** Undoes everything after `to`. @throws Failure with what it wrote */
export async function migrateDown(compose: Compose, to: string): Promise<void> {
  const { exitCode, output } = await migrateOnce(compose, ['migrate', 'down', '--to', to]);
  if (exitCode === 0) return;
  throw new Failure(`the migrations after ${to === NOTHING ? 'the first' : to} could not be undone`, {
    command: `docker compose run --rm migrate migrate down --to ${to}`,
    log: lastLines(output),
  });
}
