import type { Knex } from 'knex';

/**
 * What a token may do and until when, which addresses an administrator is known from, and who changed what.
 *
 * The release before lives with it, but does not know it: to that one every token writes, for ever.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_tokens
      add column scope text not null default 'write' check (scope in ('read', 'write')),
      add column expires_at timestamptz,
      add column revoked_at timestamptz`);
  // The panel names a session by this: the hash of its cookie has no business in a URL.
  await knex.raw('alter table admin_sessions add column id bigint generated always as identity unique');
  // Buckets are keyed hashes, as in admin_login_attempts.
  await knex.raw(`
    create table admin_known_addresses (
      bucket        text primary key,
      admin_id      bigint not null references admins (id) on delete cascade,
      last_login_at timestamptz not null default now()
    )`);
  await knex.raw('create index admin_known_addresses_admin_id on admin_known_addresses (admin_id)');
  // No foreign key: an entry outlives the account, and says who it was at the time.
  await knex.raw(`
    create table admin_audit (
      id        bigint generated always as identity primary key,
      at        timestamptz not null default now(),
      admin_id  bigint,
      email     text,
      ip        text not null,
      action    text not null,
      resource  text not null,
      record_id text,
      before    jsonb,
      after     jsonb
    )`);
  await knex.raw('create index admin_audit_record on admin_audit (resource, record_id, id desc)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table admin_audit');
  await knex.raw('drop table admin_known_addresses');
  await knex.raw('alter table admin_sessions drop column id');
  await knex.raw('alter table api_tokens drop column scope, drop column expires_at, drop column revoked_at');
}
