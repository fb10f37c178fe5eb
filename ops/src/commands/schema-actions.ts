import { listBackups } from '../host/catalogue.ts';
import { createCompose } from '../host/compose.ts';
import { startContainer } from '../host/containers.ts';
import { takeDump } from '../host/dump.ts';
import { restoreDump } from '../host/restore.ts';
import { listApplied, migrateDown, migrateUp } from '../host/schema.ts';
import { swapDatabases } from '../host/swap.ts';
import { containerName } from '../plan/containers.ts';
import { planDown } from '../plan/schema.ts';
import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { clearCache, stopApp } from './app-state.ts';
import type { DeployState } from './deploy-state.ts';

type SchemaSteps = 'dump' | 'migrate' | 'restore' | 'down';

/** The steps that touch the database. Each one looks again at what it needs to know. */
export function createSchemaActions(
  state: DeployState,
): Record<SchemaSteps, () => Promise<string | undefined>> {
  return {
    dump: async () => {
      const { pending, database } = schemaOf(state);
      if (pending.length === 0) return 'no migrations are pending';
      if (database.length === 0) return 'the database is empty';
      return dump(state);
    },
    migrate: async () => {
      const { pending, database } = schemaOf(state);
      if (pending.length === 0) return 'none are pending';
      // Before it begins: a migration without a transaction may fail half-way.
      state.schemaBefore = database;
      await migrateUp(state.compose());
      return `${pending.length} applied`;
    },
    restore: () => restore(state),
    down: () => down(state),
  };
}

function schemaOf({ facts }: DeployState) {
  if (facts.schema) return facts.schema;
  throw new Failure('the database does not run, so its migrations are not known', {
    next: 'make logs SERVICE=postgres',
  });
}

const containerOf = (state: DeployState, service: string) =>
  containerName(state.settings.COMPOSE_PROJECT_NAME, service);

async function dump(state: DeployState): Promise<string> {
  const { facts, settings } = state;
  const postgres = containerOf(state, 'postgres');
  const manifest = await takeDump({
    postgresContainer: postgres,
    postgresImage: settings.POSTGRES_IMAGE,
    release: facts.currentTag ?? 'none',
    reason: `before-${facts.tag}`,
    migrations: (facts.schema?.database ?? []).map(({ name }) => name),
  });
  return `backups/${manifest.id}`;
}

async function restore(state: DeployState): Promise<string> {
  const { facts, settings } = state;
  const manifest = (await listBackups()).find((one) => one.id === facts.dumpId);
  if (!manifest)
    throw new Failure(`the dump ${facts.dumpId} is gone`, {
      state: 'nothing was changed',
      next: 'ls backups/',
    });
  const { keptDatabase } = await restoreDump(manifest, {
    postgresContainer: containerOf(state, 'postgres'),
    now: new Date(),
    // Only now, when the dump lies restored beside the database: until here the site has been up.
    whenReady: async () => {
      state.stopped = await stopApp(state.settings);
    },
  });
  state.keptDatabase = keptDatabase;
  await clearCache(state.settings);
  note(
    `the database from before is kept as ${keptDatabase} (of ${settings.COMPOSE_PROJECT_NAME}'s postgres)`,
  );
  return `${manifest.time}, ${manifest.id}`;
}

async function down(state: DeployState): Promise<string> {
  const { facts, settings } = state;
  const { image, database } = schemaOf(state);
  const plan = planDown(image, database);
  if (!plan) return 'nothing to undo';
  // Known since the plan; a deploy that had to fetch its image first has refused, were there none.
  const newer = facts.newerTag ?? facts.currentTag ?? '';
  await migrateDown(createCompose(settings, { IMAGE_TAG: newer }), plan.to);
  if (plan.undone.some((name) => image.some((one) => one.name === name))) await migrateUp(state.compose());
  return `by ${newer}; the database of ${facts.tag}`;
}

/**
 * Takes the schema back to where it was when the deploy began, as far as the release that goes on serving
 * needs it. Expanded schema stays: by contract it is no harm to that release.
 * @returns what was done, or null
 */
export async function undoSchema(state: DeployState): Promise<string | null> {
  if (state.keptDatabase) return undoRestore(state, state.keptDatabase);
  if (!state.schemaBefore || !state.facts.schema) return null;
  const { schema } = state.facts;
  const now = await listApplied(containerOf(state, 'postgres'));
  const before = new Set(state.schemaBefore.map(({ name }) => name));
  const marked = now.filter((one) => one.breaking && !before.has(one.name));
  const plan = marked.length > 0 ? planDown(state.schemaBefore, now) : null;
  if (!plan) return null;
  await migrateDown(state.compose(), plan.to);
  return `undone: ${plan.undone.join(', ')} (${schema.pending.length} were pending)`;
}

async function undoRestore(state: DeployState, keptDatabase: string): Promise<string> {
  await stopApp(state.settings);
  await swapDatabases(containerOf(state, 'postgres'), keptDatabase, new Date());
  await clearCache(state.settings);
  for (const name of state.stopped) await startContainer(name);
  state.keptDatabase = undefined;
  return 'the database from before the restore is back';
}

/** The one-shot of the release that goes on running, or its status would be that of the failure. */
export async function restoreOneShot(state: DeployState): Promise<void> {
  const { currentTag, tag } = state.facts;
  if (!state.schemaBefore || !currentTag || currentTag === tag) return;
  await migrateUp(createCompose(state.settings, { IMAGE_TAG: currentTag })).catch(() => {});
}
