import type { Knex } from 'knex';

/** What walks over all files asks for the rows of one directory at a time (db/photo-files.ts). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create index photos_directory on photos (left(original_key, 2))');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index photos_directory');
}
