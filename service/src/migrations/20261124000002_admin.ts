import type { Knex } from 'knex';

/**
 * Who may enter the admin panel, from where they are logged in, and how often somebody tried.
 *
 * Times are always the database's own: several api containers then agree on what has expired.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table admins (
      id            bigint generated always as identity primary key,
      email         text not null unique check (email = lower(email) and length(email) <= 254),
      password_hash text not null,
      role          text not null default 'admin' check (role in ('admin', 'editor')),
      created_at    timestamptz not null default now(),
      last_login_at timestamptz,
      disabled_at   timestamptz
    )`);
  // The cookie's value is never stored, only a keyed hash of it: reading this table logs nobody in.
  await knex.raw(`
    create table admin_sessions (
      id_hash      text primary key,
      admin_id     bigint not null references admins (id) on delete cascade,
      created_at   timestamptz not null default now(),
      last_seen_at timestamptz not null default now(),
      expires_at   timestamptz not null,
      ip           text not null,
      user_agent   text not null
    )`);
  await knex.raw('create index admin_sessions_admin_id on admin_sessions (admin_id)');
  await knex.raw('create index admin_sessions_expires_at on admin_sessions (expires_at)');
  // Buckets are keyed hashes too: people type passwords into the e-mail field.
  await knex.raw(`
    create table admin_login_attempts (
      bucket            text primary key,
      attempts          integer not null,
      window_started_at timestamptz not null default now()
    )`);
  await knex.raw('create index admin_login_attempts_window on admin_login_attempts (window_started_at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table admin_login_attempts');
  await knex.raw('drop table admin_sessions');
  await knex.raw('drop table admins');
}
