import type { Knex } from 'knex';
import { createDatabase } from '../backends/index.ts';

let database: Promise<Knex> | undefined;

/** One database for all tests of the panel, emptied: a new one would cost each test a migration. */
export async function emptyDatabase(): Promise<Knex> {
  database ??= createDatabase().then(({ db }) => db);
  const db = await database;
  await db.raw(
    'truncate salons, photos, queue_samples, admins, admin_sessions, admin_login_attempts, admin_audit, api_tokens restart identity cascade',
  );
  return db;
}

// At the end of the whole run: mocha calls a hook outside of any suite once.
after(async () => {
  await (await database)?.destroy();
});
