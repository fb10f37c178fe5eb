import type { Knex } from 'knex';
import { markBreaking, markedNames, unmark } from './migration-marks.ts';

/** What a migration file exports. */
export interface Migration {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
  config?: {
    /** False is for statements like CREATE INDEX CONCURRENTLY. */
    transaction?: boolean;
    /** True: the previous release cannot live with it, such as a column gone that it reads. */
    breaking?: boolean;
  };
}

/** One migration in the database, in this image, or in both. */
export interface MigrationState {
  name: string;
  applied: boolean;
  /** False: a newer image applied it and this one cannot undo it. */
  known: boolean;
  /** Releases before it cannot live with it: says this image, or the database where this image lacks it. */
  breaking: boolean;
}

/** Something that only the operator can decide, such as undoing what this image does not know. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

/** `down --to` this name undoes everything. */
export const NOTHING = 'none';

// Any fixed number serves: it only has to be the same in every release of this product.
const ADVISORY_LOCK = 7_236_110_294;
const TABLE = 'knex_migrations';

type Migrations = ReadonlyMap<string, Migration>;

/** Every migration that the database or this image knows, by name. Works on an empty and on a newer database. */
export async function listMigrations(db: Knex, migrations: Migrations): Promise<MigrationState[]> {
  const applied = new Set(await appliedNames(db));
  const marked = new Set(await markedNames(db));
  const names = new Set([...applied, ...migrations.keys()]);
  return [...names].sort().map((name) => {
    const migration = migrations.get(name);
    const breaking = migration ? isBreaking(migration) : marked.has(name);
    return { name, applied: applied.has(name), known: migration !== undefined, breaking };
  });
}

/** What this image would apply to an empty database, oldest first; asks no database. */
export function describeMigrations(migrations: Migrations): Pick<MigrationState, 'name' | 'breaking'>[] {
  const byName = [...migrations].sort(([a], [b]) => (a < b ? -1 : 1));
  return byName.map(([name, migration]) => ({ name, breaking: isBreaking(migration) }));
}

/**
 * Applies what is missing, all of it or nothing; when one of them opts out of transactions, one by one.
 * Returns the names that were applied now.
 */
export async function migrateUp(db: Knex, migrations: Migrations): Promise<string[]> {
  return exclusively(db, async () => {
    const [, names] = await db.migrate.latest(settings(migrations));
    return names;
  });
}

/**
 * Undoes, newest first, what was applied after `to`, which itself stays. Returns the names undone.
 * @throws {MigrationError} before anything changes, when `to` is not applied or this image lacks a step.
 */
export async function migrateDown(db: Knex, migrations: Migrations, to: string): Promise<string[]> {
  return exclusively(db, async () => {
    const applied = await appliedNames(db);
    if (to !== NOTHING && !applied.includes(to)) {
      throw new MigrationError(`${to} is not applied; applied are: ${applied.join(', ') || NOTHING}`);
    }
    const undo = to === NOTHING ? applied.toReversed() : applied.filter((name) => name > to).toReversed();
    const unknown = undo.filter((name) => !migrations.has(name));
    if (unknown.length > 0) {
      throw new MigrationError(`this image does not know ${unknown.join(', ')}: run down in the newer image`);
    }
    for (const name of undo) {
      await db.migrate.down({ ...settings(migrations), name });
      // Last: a mark without its migration says nothing, a migration without its mark would say the wrong thing.
      await unmark(db, name);
    }
    return undo;
  });
}

async function appliedNames(db: Knex): Promise<string[]> {
  if (!(await db.schema.hasTable(TABLE))) return [];
  return db(TABLE).orderBy('name').pluck('name');
}

function settings(migrations: Migrations): Knex.MigratorConfig {
  const migrationSource: Knex.MigrationSource<string> = {
    getMigrations: async () => [...migrations.keys()].sort(),
    getMigrationName: (name) => name,
    getMigration: async (name) => withMark(name, migrations.get(name) as Migration),
  };
  // A rolled-back image meets a newer database: knex would call that corrupt and refuse to start.
  return { tableName: TABLE, migrationSource, disableMigrationsListValidation: true };
}

function isBreaking({ config }: Migration): boolean {
  return config?.breaking === true;
}

/** A breaking migration leaves its mark in the database: the image that knows it may not be there one day. */
function withMark(name: string, migration: Migration): Migration {
  if (!isBreaking(migration)) return migration;
  const up = async (knex: Knex) => {
    await markBreaking(knex, name);
    await migration.up(knex);
  };
  return { ...migration, up };
}

/**
 * Runs `work` under a lock that postgres gives up with the connection, however this process ends. knex's
 * own lock is a row that a killed process leaves behind for ever: inside ours, whatever it says is stale.
 */
async function exclusively<T>(db: Knex, work: () => Promise<T>): Promise<T> {
  const connection = await db.client.acquireConnection();
  try {
    await db.raw('select pg_advisory_lock(?)', [ADVISORY_LOCK]).connection(connection);
    if (await db.schema.hasTable(`${TABLE}_lock`)) await db(`${TABLE}_lock`).update({ is_locked: 0 });
    return await work();
  } catch (error) {
    // 55P03: lock_timeout. Ours and a table's look alike; the statement in the message tells them apart.
    if ((error as { code?: string }).code === '55P03') {
      throw new MigrationError(
        `waited too long for a lock; that step changed nothing: ${(error as Error).message}`,
      );
    }
    throw error;
  } finally {
    await db
      .raw('select pg_advisory_unlock_all()')
      .connection(connection)
      .catch(() => {});
    await db.client.releaseConnection(connection);
  }
}
