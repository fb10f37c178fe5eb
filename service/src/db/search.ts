import type { Knex } from 'knex';

// The zero-width non-joiner parts a word where others write a space, or nothing.
const BETWEEN_WORDS = /[\s\u200c]+/u;

const LETTER = /[\p{L}\p{N}]/u;
const SIGNS_AROUND = /^[^\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}]+$/gu;

/** Words of a question, as typed: the database normalizes them like what it has stored. */
function wordsOf(text: string): string[] {
  return [...new Set(text.normalize('NFKC').split(BETWEEN_WORDS).filter(Boolean))];
}

/**
 * Whether there is a letter or digit to look for. A trigram index knows nothing of signs: `%%%` alone would be looked
 * for in the whole table. https://www.postgresql.org/docs/17/pgtrgm.html
 */
export function isSearchable(text: string): boolean {
  return LETTER.test(text);
}

/**
 * Keeps the salons that have every word of `text` in name, city or description, whichever variant of a letter either
 * side uses (migrations/search-functions.ts). Words of one or two letters: any in name and city, whole words of descriptions.
 */
export function whereFound(query: Knex.QueryBuilder, text: string): void {
  for (const word of wordsOf(text)) {
    query.whereRaw('salons.search like search_pattern(?)', [word]);
    // The index finds `a%%` by its letter; of those the word as typed is looked for.
    const letters = word.replace(SIGNS_AROUND, '');
    if (letters && letters !== word) query.whereRaw('salons.search like search_pattern(?)', [letters]);
  }
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
