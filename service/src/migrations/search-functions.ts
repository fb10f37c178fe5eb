const raw = String.raw;

// Decomposed, a letter with an accent is the letter and its marks: Latin, Greek and Cyrillic accents, Hebrew points,
// Arabic vowel signs and hamza. Indic and Japanese marks are letters of their own to their readers and stay.
const MARKS = raw`\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed`;
// What nobody sees: soft hyphen, zero-width (non-)joiner and space, marks of direction, tatweel.
const INVISIBLE = raw`\u00ad\u061c\u0640\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff`;
const SPACES = raw`[\t\n\v\f\r \u0085\u1680\u2028\u2029]+`;
const ARABIC = raw`[\u0620-\u064a\u0660-\u06ff\u0750-\u077f]`;

// To knex a question mark is a binding.
const SPACE_WITHIN_ARABIC = raw`(\?<=${ARABIC}) (\?=${ARABIC})`;

/** One letter each that others are written for; https://www.unicode.org/charts/PDF/U0600.pdf */
const LETTERS = [
  // Arabic yeh, alef maksura and their kin; Arabic kaf; teh marbuta and the other hehs; alef wasla.
  ['\u064a\u0649\u06cd\u06d0\u06d2', '\u06cc'],
  ['\u0643\u06aa', '\u06a9'],
  ['\u0629\u06c1\u06be\u06c3\u06d5', '\u0647'],
  ['\u0671', '\u0627'],
  ...Array.from('0123456789', (digit, n) => [String.fromCodePoint(0x660 + n, 0x6f0 + n), digit] as const),
  // Latin letters whose stroke is no mark; the other form of sigma.
  ...['øo', 'łl', 'đd', 'ħh', 'ıi', 'ςσ'].map(([from = '', to = '']) => [from, to] as const),
] as const;

const from = LETTERS.map(([others]) => others).join('');
const to = LETTERS.map(([others, letter]) => letter.repeat(others.length)).join('');

/**
 * The functions of search as 20261124000005_search makes them. What is stored was made by them: a change is another
 * migration, which fills the columns again. All are IMMUTABLE and of built-in functions alone (unaccent() is neither here nor
 * immutable), with bodies that are parsed now: a restore, which sets no search_path, finds what they call.
 *
 * - search_text(text): how a text is compared. Lower case, without accents and vowel signs, one letter for its
 *   variants, ASCII digits, compatibility forms replaced (NFKC), no invisible characters, single spaces.
 * - search_unspaced, search_joined(text): the same without spaces between letters of the Arabic script, which are written or left
 *   out at will: بندر عباس, بندرعباس.
 * - search_pairs(text): every one and two letters that stand together in a text, as words.
 * - search_document(name, city, description): what a salon is found by.
 * - search_pattern(text): the LIKE pattern that finds a word in a document. Three letters and more: anywhere. A
 *   trigram index knows nothing of less, so one or two are looked for as a word, and search_pairs has written
 *   down those of name and city.
 */
export const searchFunctions: readonly string[] = [
  `create or replace function search_text(value text) returns text
     language sql immutable strict parallel safe cost 1000
     return trim(regexp_replace(
       replace(replace(replace(
         translate(
           lower(normalize(
             regexp_replace(normalize(value, NFKD), '[${MARKS}${INVISIBLE}]', '', 'g'), NFKC)),
           '${from}', '${to}'),
         'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
       '${SPACES}', ' ', 'g'))`,
  `create or replace function search_unspaced(normalized text) returns text
     language sql immutable strict parallel safe cost 1000
     return regexp_replace(normalized, '${SPACE_WITHIN_ARABIC}', '', 'g')`,
  `create or replace function search_joined(value text) returns text
     language sql immutable strict parallel safe cost 1000
     return search_unspaced(search_text(value))`,
  `create or replace function search_pairs(value text) returns text
     language sql immutable strict parallel safe cost 1000
     return coalesce((
       select string_agg(distinct part, ' ')
       from generate_series(1, length(value)) as start,
            generate_series(1, 2) as size,
            substr(value, start, size) as part
       where position(' ' in part) = 0), '')`,
  // "offset 0": each is computed once, not wherever it is named.
  `create or replace function search_document(name text, city text, description text) returns text
     language sql immutable parallel safe cost 1000
     return (
       select ' ' || name_text || ' ' || city_text || ' ' || coalesce(search_text(description), '')
           || ' ' || joined || ' ' || search_pairs(joined) || ' '
       from (select search_text(name) as name_text, search_text(city) as city_text offset 0) as texts,
            lateral (select search_unspaced(name_text) || ' ' || search_unspaced(city_text) as joined offset 0) as j)`,
  `create or replace function search_like(value text) returns text
     language sql immutable strict parallel safe
     return replace(replace(replace(value, '\\', '\\\\'), '%', '\\%'), '_', '\\_')`,
  `create or replace function search_pattern(word text) returns text
     language sql immutable strict parallel safe cost 1000
     return case
       when length(search_text(word)) = 0 then '%'
       when length(search_text(word)) < 3 then '% ' || search_like(search_text(word)) || ' %'
       else '%' || search_like(search_text(word)) || '%'
     end`,
];
