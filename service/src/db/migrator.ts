import type { Knex } from 'knex';

/** What a migration file exports; `config.transaction: false` is for statements like CREATE INDEX CONCURRENTLY. */
export interface Migration {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
  config?: { transaction: boolean };
}

/** One migration in the database, in this image, or in both. */
export interface MigrationState {
  name: string;
  applied: boolean;
  /** False: a newer image applied it and this one cannot undo it. */
  known: boolean;
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
  const names = new Set([...applied, ...migrations.keys()]);
  return [...names].sort().map((name) => ({ name, applied: applied.has(name), known: migrations.has(name) }));
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
    for (const name of undo) await db.migrate.down({ ...settings(migrations), name });
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
    getMigration: async (name) => migrations.get(name) as Migration,
  };
  // A rolled-back image meets a newer database: knex would call that corrupt and refuse to start.
  return { tableName: TABLE, migrationSource, disableMigrationsListValidation: true };
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
