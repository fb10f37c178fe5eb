import { cleanEnv, EnvMissingError } from 'envalid';
import { DEFAULTS, SETTING_KEYS, type SettingKey, settingsSpec } from './schema.ts';

export type Settings = Readonly<{ [key in SettingKey]: string }>;

/** Either every setting, or every problem at once, each naming its key and what is expected. */
export type Validation = { settings: Settings; problems: [] } | { settings: null; problems: string[] };

// What survives unchanged in .env, in compose's interpolation, in a URL and in a shell.
const PLAIN = /^[\w.,:/@+=-]*$/;

/**
 * Validates settings. Keys of `file` that are not in the schema are refused (a typo must not pass
 * silently); the environment may hold anything else. A secret's value is never part of a message.
 * @param file the lines of .env  @param environment process.env: a non-empty value there wins
 * @param known keys of other releases, which are passed over: after a rollback .env has those of the newer one
 */
export function validateSettings(
  file: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[] = [],
): Validation {
  const merged = mergeSettings(file, environment);
  const problems = Object.keys(file)
    .filter((key) => !SETTING_KEYS.includes(key as SettingKey) && !known.includes(key))
    .map((key) => `${key}: unknown key${suggestion(key)}`);

  for (const [key, value] of Object.entries(merged))
    if (!PLAIN.test(value)) problems.push(`${key}: only letters, digits and ._,:/@+=- are allowed`);

  cleanEnv(merged, settingsSpec, {
    reporter: ({ errors }) => {
      for (const [key, error] of Object.entries(errors)) {
        const isMissing = error instanceof EnvMissingError;
        problems.push(`${key}: ${isMissing ? 'missing' : `expected ${expectation(error)}`}`);
      }
    },
  });
  if (problems.length > 0) return { settings: null, problems };
  return { settings: merged as Settings, problems: [] };
}

/** Defaults overlaid with .env, that with the environment; an empty value counts as absent. */
export function mergeSettings(
  file: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): Partial<Record<SettingKey, string>> {
  const merged: Partial<Record<SettingKey, string>> = {};
  for (const key of SETTING_KEYS) {
    const value = environment[key] || file[key] || DEFAULTS[key];
    if (value) merged[key] = value;
  }
  return merged;
}

const WELL_KNOWN: Readonly<Record<string, string>> = {
  port: 'a port number from 1 to 65535',
  url: 'a URL such as https://example.org/path',
  email: 'an email address',
};

function expectation(error: Error | undefined): string {
  const message = error?.message ?? '';
  const choices = /not in choices \[(.*)\]/.exec(message)?.[1];
  if (choices) return `one of ${choices}`;
  // These of envalid's would repeat the value, which may be a secret.
  const kind = /^Invalid (port|url|email)/.exec(message)?.[1];
  return kind ? (WELL_KNOWN[kind] ?? '') : message;
}

function suggestion(key: string): string {
  const near = SETTING_KEYS.map((known) => ({ known, distance: editDistance(key, known) })).sort(
    (a, b) => a.distance - b.distance,
  )[0];
  return near && near.distance <= 3 ? ` (did you mean ${near.known}?)` : '';
}

/** Levenshtein distance: how many letters differ. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
