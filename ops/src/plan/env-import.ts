import { SETTING_KEYS, type SettingKey } from '../config/schema.ts';
import { replaceValues } from '../config/template.ts';
import { validateSettings } from '../config/validate.ts';

/** What an import makes of .env. No value is in any of the messages. */
export interface EnvImport {
  /** The text of .env afterwards. */
  text: string;
  /** Keys whose value is another one now. */
  changed: string[];
  /** Keys that came without a value and stay as they are: CI gives an empty text for a secret that it does not have. */
  empty: string[];
  /** Everything that is wrong, and then nothing may be written. */
  problems: string[];
}

/** Deploy writes it, as what runs: from elsewhere it would be a lie. */
const OURS: readonly SettingKey[] = ['IMAGE_TAG'];

/**
 * Merges KEY=value lines into the text of .env and validates the whole of it.
 * @param current the text of .env  @param lines what came in; blank lines and comments are passed over
 * @param parse how .env is read
 */
export function planImport(
  current: string,
  lines: string,
  parse: (text: string) => Record<string, string>,
): EnvImport {
  const given = new Map<string, string>();
  const problems: string[] = [];
  lines.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const [, key, value = ''] = /^([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    const problem = findProblem(key, given);
    if (problem || !key) problems.push(`line ${index + 1}: ${problem}`);
    else given.set(key, value);
  });
  const empty = [...given].filter(([, value]) => value === '').map(([key]) => key);
  for (const key of empty) given.delete(key);
  const text = replaceValues(current, Object.fromEntries(given));
  const [before, after] = [parse(current), parse(text)];
  // Quotes and comments: `parse` would read another value than the one that came.
  for (const [key, value] of given)
    if (after[key] !== value) problems.push(`${key}: only letters, digits and ._,:/@+=- are allowed`);
  problems.push(...validateSettings(after, {}).problems);
  const changed = [...given.keys()].filter((key) => before[key] !== after[key]);
  return { text, changed, empty, problems: [...new Set(problems)] };
}

function findProblem(key: string | undefined, given: ReadonlyMap<string, string>): string | null {
  if (!key) return 'not KEY=value';
  if (!SETTING_KEYS.includes(key as SettingKey)) return `${key}: unknown key`;
  if (OURS.includes(key as SettingKey)) return `${key}: only deploy and rollback write it`;
  return given.has(key) ? `${key}: given twice` : null;
}
