import type { Knex } from 'knex';

// The zero-width non-joiner parts a word where others write a space, or nothing.
const BETWEEN_WORDS = /[\s\u200c]+/u;

/** Words of a question, as typed: the database normalizes them like what it has stored. */
function wordsOf(text: string): string[] {
  return [...new Set(text.split(BETWEEN_WORDS).filter(Boolean))];
}

/**
 * Keeps the salons that have every word of `text` in name, city or description, whichever variant of a letter either
 * side uses (migrations/search-functions.ts). Words of one or two letters: any in name and city, whole words of descriptions.
 */
export function whereFound(query: Knex.QueryBuilder, text: string): void {
  for (const word of wordsOf(text)) query.whereRaw('salons.search like search_pattern(?)', [word]);
}

/** Keeps the salons of a city, however it is spelled. */
export function whereCity(query: Knex.QueryBuilder, city: string): void {
  query.whereRaw('salons.search_city = search_joined(?)', [city]);
}

/** Keeps the salons with `text` in that column in one piece, however it is spelled. */
export function whereContains(query: Knex.QueryBuilder, column: 'name' | 'city', text: string): void {
  // The index knows salons by words of all columns; the few that it finds are looked at again.
  whereFound(query, text);
  query.whereRaw("search_joined(??) like '%' || search_like(search_joined(?)) || '%'", [column, text]);
}
