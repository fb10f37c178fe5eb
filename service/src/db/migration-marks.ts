import type { Knex } from 'knex';

const TABLE = 'migration_marks';

/**
 * Writes down, for images that do not have this migration, that they cannot live with what it does. Called
 * inside the migration's own transaction, before its work: no kill leaves it applied without its mark.
 */
export async function markBreaking(db: Knex, name: string): Promise<void> {
  await db.raw('create table if not exists ?? (name text primary key)', [TABLE]);
  await db(TABLE).insert({ name }).onConflict('name').ignore();
}

/** Forgets the mark of a migration that is no longer applied. */
export async function unmark(db: Knex, name: string): Promise<void> {
  if (await db.schema.hasTable(TABLE)) await db(TABLE).where({ name }).delete();
}

/** Names of the migrations that were marked when they were applied, whichever image did that. */
export async function markedNames(db: Knex): Promise<string[]> {
  return (await db.schema.hasTable(TABLE)) ? db(TABLE).pluck('name') : [];
}
