import { chmod, readFile, stat } from 'node:fs/promises';
import { parse } from 'dotenv';
import { ADDED_KEYS, SETTING_KEYS } from '../config/schema.ts';
import { fillTemplate, findMalformedLines, makeSecret, replaceValues } from '../config/template.ts';
import { type Settings, validateSettings } from '../config/validate.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { exists, writeAtomically } from './files.ts';
import { paths } from './paths.ts';

const MODE = 0o600;

/** Creates .env from .env.example unless it is there. Returns whether it was created. */
export async function createEnvFile(): Promise<boolean> {
  if (await envFileExists()) return false;
  await writeEnvText(await readEnvText());
  return true;
}

/** Adds the secrets that an .env from before them does not have. @returns their names */
export async function addNewSecrets(): Promise<string[]> {
  const settings = await loadSettings();
  const missing = ADDED_KEYS.filter((key) => !settings[key]);
  await updateEnvFile(Object.fromEntries(missing.map((key) => [key, makeSecret()])));
  return missing;
}

export async function envFileExists(): Promise<boolean> {
  return exists(paths.env);
}

/**
 * Reads and validates the settings; nothing was changed when it throws.
 * @throws Failure (exit 2) naming every bad key at once
 */
export async function loadSettings(): Promise<Settings> {
  if (!(await envFileExists()))
    throw new Failure('.env is missing: nothing has been deployed from this directory', {
      next: 'make deploy',
      exitCode: EXIT.usage,
    });
  return checkSettings(await readFile(paths.env, 'utf8'), '.env', await readKnownKeys());
}

/** What a first deploy would write, validated before the file exists. */
export async function previewSettings(): Promise<Settings> {
  return checkSettings(await readEnvText(), 'the environment');
}

/** Remembers every key of this release for an older one that the checkout is about to go back to. */
export async function rememberKeys(): Promise<void> {
  const keys = [...new Set([...(await readKnownKeys()), ...SETTING_KEYS])];
  await writeAtomically(paths.knownKeys, `${JSON.stringify(keys)}\n`, 0o600);
}

async function readKnownKeys(): Promise<string[]> {
  if (!(await exists(paths.knownKeys))) return [];
  return JSON.parse(await readFile(paths.knownKeys, 'utf8')) as string[];
}

/** Settings of another server. @param source where the text is from  @throws Failure (exit 2) naming every bad key */
export async function parseSettings(text: string, source: string): Promise<Settings> {
  return checkSettings(text, source, await readKnownKeys());
}

function checkSettings(text: string, source: string, known: readonly string[] = []): Settings {
  const { settings, problems } = validateSettings(parse(text), process.env, known);
  const all = [...findMalformedLines(text), ...problems];
  if (all.length > 0 || !settings)
    throw new Failure(`${source} is not valid:\n${all.map((problem) => `    ${problem}`).join('\n')}`, {
      state: 'nothing was changed',
      next: 'correct .env (every key is explained in .env.example) and run the same command again',
      exitCode: EXIT.usage,
    });
  return settings;
}

/** The text of .env; before the first deploy what that would write, with secrets of its own each time. */
export async function readEnvText(): Promise<string> {
  if (await envFileExists()) return readFile(paths.env, 'utf8');
  return fillTemplate(await readFile(paths.envExample, 'utf8'), process.env);
}

/** Writes all of .env, for its owner alone. */
export async function writeEnvText(text: string): Promise<void> {
  await writeAtomically(paths.env, text, MODE);
}

/** Takes away everybody else's access to .env, saying so. */
export async function securePermissions(): Promise<void> {
  const { mode } = await stat(paths.env);
  if ((mode & 0o077) === 0) return;
  await chmod(paths.env, MODE);
  note(
    `note: .env was readable by others (mode ${(mode & 0o777).toString(8)}); it is 600 now. Consider new secrets.`,
  );
}

/** Changes single values of .env: written beside it, synced, renamed. */
export async function updateEnvFile(values: Record<string, string>): Promise<void> {
  const text = await readFile(paths.env, 'utf8');
  const updated = replaceValues(text, values);
  if (updated !== text) await writeEnvText(updated);
}
