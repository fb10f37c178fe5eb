import type { Knex } from 'knex';

/** The directory itself: salons, their photos, and the tokens that may change them. */
export async function up(knex: Knex): Promise<void> {
  // Rows are also changed by hand and by the admin panel, so the database keeps updated_at itself.
  await knex.raw(`
    create function touch_updated_at() returns trigger language plpgsql as $$
    begin new.updated_at := now(); return new; end $$`);
  await createSalons(knex);
  await createPhotos(knex);
  await knex.raw(`
    create table api_tokens (
      id           bigint generated always as identity primary key,
      name         text not null check (length(name) between 1 and 100),
      token_hash   text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
      created_at   timestamptz not null default now(),
      last_used_at timestamptz
    )`);
}

async function createSalons(knex: Knex): Promise<void> {
  await knex.raw(`
    create table salons (
      id          bigint generated always as identity primary key,
      name        text not null check (length(name) between 1 and 200),
      slug        text not null unique check (length(slug) between 1 and 80),
      city        text not null check (length(city) between 1 and 100),
      description text,
      address     text,
      phone       text,
      published   boolean not null default true,
      created_at  timestamptz not null default now(),
      updated_at  timestamptz not null default now()
    )`);
  // The list goes newest first by id, with and without a city, for visitors and for token holders.
  await knex.raw('create index salons_published_id on salons (id desc) where published');
  await knex.raw('create index salons_city_id on salons (lower(city), id desc)');
  await knex.raw(`
    create trigger salons_touch before update on salons
    for each row execute function touch_updated_at()`);
}

/** A row in state 'uploaded' is the outbox of the media queue: it says that work is owed. */
async function createPhotos(knex: Knex): Promise<void> {
  await knex.raw(`
    create table photos (
      id           bigint generated always as identity primary key,
      salon_id     bigint not null references salons (id) on delete cascade,
      state        text not null default 'uploaded' check (state in ('uploaded', 'ready', 'failed')),
      original_key text not null unique,
      content_type text not null,
      bytes        bigint not null,
      sha256       text not null check (sha256 ~ '^[0-9a-f]{64}$'),
      width        integer not null,
      height       integer not null,
      alt          text,
      position     integer not null,
      variants     jsonb not null default '[]',
      job_version  integer not null default 1,
      queued_at    timestamptz not null default now(),
      attempts     integer not null default 0,
      error        text,
      created_at   timestamptz not null default now(),
      updated_at   timestamptz not null default now()
    )`);
  await knex.raw('create index photos_salon on photos (salon_id, position, id)');
  await knex.raw(`create index photos_owed on photos (queued_at) where state = 'uploaded'`);
  await knex.raw(`
    create trigger photos_touch before update on photos
    for each row execute function touch_updated_at()`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table api_tokens');
  await knex.raw('drop table photos');
  await knex.raw('drop table salons');
  await knex.raw('drop function touch_updated_at()');
}
