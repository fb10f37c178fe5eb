import type { Knex } from 'knex';
import { searchFunctions } from './search-functions.ts';

/**
 * Search across variants of letters, and an index for every list.
 *
 * Without a transaction, so that nobody waits: a generated column would rewrite the table under a lock that stops
 * readers too. Columns come empty, a trigger fills them for every writer (the previous release included), old rows
 * are filled in small steps, indexes are built CONCURRENTLY. A run that was cut short is taken up by the next.
 */
export const config = { transaction: false };

const BATCH = 500;

// lower(city) of the first migration stays for the release that reads it; a later one may drop it.
const indexes: Record<string, string> = {
  // No pending list, which every search would read through: salons are seldom written.
  salons_search: 'salons using gin (search gin_trgm_ops) with (fastupdate = off)',
  salons_search_city_id: 'salons (search_city, id desc)',
  // The numbers in use after a slug, and the panel's filter.
  salons_slug_prefix: 'salons (slug text_pattern_ops)',
  salons_slug_part: 'salons using gin (slug gin_trgm_ops) with (fastupdate = off)',
  photos_state_id: 'photos (state, id desc)',
};

export async function up(knex: Knex): Promise<void> {
  await knex.transaction(prepare);
  await fillOldRows(knex);
  for (const [name, definition] of Object.entries(indexes)) await buildIndex(knex, name, definition);
  // The planner knows nothing of new columns until somebody looks.
  await knex.raw('analyze salons');
}

async function prepare(trx: Knex): Promise<void> {
  // A trusted extension: who owns the database may create it.
  await trx.raw('create extension if not exists pg_trgm');
  for (const definition of searchFunctions) await trx.raw(definition);
  await trx.raw('alter table salons add column if not exists search text');
  await trx.raw('alter table salons add column if not exists search_city text');
  // Named in full: a restore runs without a search_path.
  await trx.raw(`
    create or replace function fill_salon_search() returns trigger language plpgsql as $$
    begin
      new.search := public.search_document(new.name, new.city, new.description);
      new.search_city := public.search_joined(new.city);
      return new;
    end $$`);
  await trx.raw(`
    create or replace trigger salons_search before insert or update of name, city, description on salons
    for each row execute function fill_salon_search()`);
  // What is filled in below is no change that a reader should hear of.
  await trx.raw(`
    create or replace trigger salons_touch
    before update of name, slug, city, description, address, phone, published on salons
    for each row execute function touch_updated_at()`);
}

async function fillOldRows(knex: Knex): Promise<void> {
  for (let last = 0; ; ) {
    const ids: string[] = await knex('salons')
      .where('id', '>', last)
      .whereNull('search')
      .orderBy('id')
      .limit(BATCH)
      .pluck('id');
    if (ids.length === 0) return;
    await knex('salons')
      .whereIn('id', ids)
      .whereNull('search')
      .update({
        search: knex.raw('search_document(name, city, description)'),
        search_city: knex.raw('search_joined(city)'),
      });
    last = Number(ids.at(-1));
  }
}

/** What a build that was cut short leaves behind is there, unusable and in the way. */
async function buildIndex(knex: Knex, name: string, definition: string): Promise<void> {
  const { rows } = await knex.raw('select indisvalid from pg_index where indexrelid = to_regclass(?)', [
    name,
  ]);
  if (rows[0]?.indisvalid) return;
  await knex.raw('drop index concurrently if exists ??', [name]);
  await knex.raw(`create index concurrently ${name} on ${definition}`);
}

/** The extension stays: it may have been there before, and after a restore it belongs to somebody else. */
export async function down(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx.raw('drop index if exists photos_state_id, salons_slug_prefix, salons_slug_part');
    await trx.raw('drop trigger if exists salons_search on salons');
    await trx.raw(`
      create or replace trigger salons_touch before update on salons
      for each row execute function touch_updated_at()`);
    await trx.raw('drop function if exists fill_salon_search()');
    await trx.raw('alter table salons drop column if exists search, drop column if exists search_city');
    await trx.raw(`
      drop function if exists search_pattern(text), search_like(text), search_pairs(text), search_joined(text),
        search_unspaced(text), search_document(text, text, text), search_text(text) cascade`);
  });
}
