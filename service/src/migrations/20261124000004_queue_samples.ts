import type { Knex } from 'knex';

/** How long the media queue was, minute by minute; the worker writes it, the panel draws the last day of it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table queue_samples (
      sampled_at timestamptz primary key,
      pending    integer not null check (pending >= 0),
      failed     integer not null check (failed >= 0)
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table queue_samples');
}
