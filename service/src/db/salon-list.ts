import type { Knex } from 'knex';
import type { Salon } from '../schemas/salon.ts';
import { readPrepared } from './prepared.ts';
import { COLUMNS, type SalonRow, toSalon } from './salon-row.ts';
import { isSearchable, whereCity, whereFound } from './search.ts';

// How many of the newest are looked at before the index of search is.
const NEWEST = 500;

/** What a reader wants to see: `hidden` includes unpublished salons. */
export interface SalonFilter {
  city?: string | undefined;
  q?: string | undefined;
  hidden: boolean;
}

interface ListOptions extends SalonFilter {
  limit: number;
  beforeId?: number | undefined;
}

/** One page, newest first, at most `limit` rows; `beforeId` is where the page before it ended. */
export async function listSalons(db: Knex, options: ListOptions): Promise<Salon[]> {
  const { q, limit } = options;
  const list = () => listed(db, options);
  const rows: SalonRow[] = q ? await searchNewestFirst(db, q, limit, list) : await readPage(db, options);
  return rows.map(toSalon);
}

/** A page without a search: one of eight statements, each prepared. */
async function readPage(db: Knex, { hidden, city, beforeId, limit }: ListOptions): Promise<SalonRow[]> {
  const values: unknown[] = [limit];
  const value = (given: unknown) => `$${values.push(given)}`;
  const conditions = [
    ...(hidden ? [] : ['published']),
    ...(city ? [`search_city = search_joined(${value(city)})`] : []),
    ...(beforeId ? [`id < ${value(beforeId)}`] : []),
  ];
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  const text = `select ${COLUMNS.join(', ')} from salons ${where} order by id desc limit $1`;
  const name = `salons${hidden ? '-hidden' : ''}${city ? '-city' : ''}${beforeId ? '-before' : ''}`;
  return readPrepared<SalonRow>(db, { name, text }, values);
}

function listed(db: Knex, { hidden, city, beforeId }: ListOptions): Knex.QueryBuilder {
  const query = db('salons');
  if (!hidden) query.where('published', true);
  if (city) whereCity(query, city);
  if (beforeId) query.where('id', '<', beforeId);
  return query;
}

/**
 * Looks among the newest first, where a frequent word fills a page, and only then in the index, which gives every
 * salon with the word: now there are few. Left to its guess of how frequent a word is, the planner may read the
 * whole table for a rare one.
 */
async function searchNewestFirst(
  db: Knex,
  q: string,
  limit: number,
  list: () => Knex.QueryBuilder,
): Promise<SalonRow[]> {
  if (!isSearchable(q)) return [];
  const newest = list()
    .select(...COLUMNS, 'search')
    .orderBy('id', 'desc')
    .limit(NEWEST)
    .as('salons');
  const query = db.from(newest).select(COLUMNS).orderBy('id', 'desc').limit(limit);
  whereFound(query, q);
  const rows: SalonRow[] = await query;
  if (rows.length === limit) return rows;
  const all = list().select(COLUMNS).limit(limit);
  whereFound(all, q);
  // Not `id`: its index would be walked again.
  return all.orderByRaw('salons.id + 0 desc');
}
