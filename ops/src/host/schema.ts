import type { Container } from '../plan/containers.ts';
import { type Migration, NOTHING } from '../plan/schema.ts';
import { Failure } from '../report/failure.ts';
import type { Compose } from './compose.ts';
import { execIn, lastLogLines, runOneOff, runToEnd } from './containers.ts';
import { lastLines } from './exec.ts';

interface ListedMigration extends Migration {
  applied: boolean;
}

const LIST = ['migrate', 'list', '--json'];
const ENTRY = ['node', '/app/dist/main.js'];

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
 * What the database has, told by whichever image is at hand: an api that runs answers in a fraction of the
 * time that a new container needs to start.
 * @throws Failure with what it wrote
 */
export async function listApplied(compose: Compose, containers: readonly Container[]): Promise<Migration[]> {
  const api = containers.find((one) => one.service === 'api' && one.status === 'running');
  const inRunning = api && (await execIn(api.name, [...ENTRY, ...LIST]).catch(() => null));
  const { exitCode, output } = inRunning?.exitCode === 0 ? inRunning : await migrateOnce(compose, LIST);
  const line = output.split('\n').find((text) => text.startsWith('['));
  if (exitCode !== 0 || !line)
    throw new Failure('the database does not say which migrations it has', {
      command: `docker compose run --rm migrate ${LIST.slice(1).join(' ')}`,
      log: lastLines(output),
      next: 'make logs SERVICE=postgres',
    });
  return (JSON.parse(line) as ListedMigration[])
    .filter((one) => one.applied)
    .map(({ name, breaking }) => ({ name, breaking: breaking ?? false }));
}

/**
 * Applies what is missing, by the container that compose keeps as `migrate`.
 * @throws Failure with what it wrote; postgres has then undone that step
 */
export async function migrateUp(compose: Compose): Promise<void> {
  await compose.run('create', 'migrate');
  const container = `${compose.env.COMPOSE_PROJECT_NAME}-migrate-1`;
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
