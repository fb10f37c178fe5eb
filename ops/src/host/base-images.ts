import { readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
import { execa } from 'execa';
import type { Settings } from '../config/validate.ts';
import {
  BASE_IMAGE_KEYS,
  type BaseImageKey,
  type BaseImages,
  parseBuiltImages,
  replaceableImages,
} from '../plan/base-images.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { envFileExists, updateEnvFile } from './env-file.ts';
import { attempt, lastLines } from './exec.ts';
import { paths } from './paths.ts';

/** The base images as .env.example names them: the official ones. */
export async function readOfficialImages(): Promise<BaseImages> {
  const example = parse(await readFile(paths.envExample, 'utf8'));
  return Object.fromEntries(BASE_IMAGE_KEYS.map((key) => [key, example[key] ?? ''])) as BaseImages;
}

/**
 * Pulls base images; falls back to Debian packages when the registry cannot be reached or refuses for
 * its rate limit, and writes the choice to .env. @returns what .env says now
 * @throws Failure when the registry answers but does not have the image
 */
export async function ensureBaseImages(
  settings: Settings,
  missing: readonly BaseImageKey[],
): Promise<Partial<Settings>> {
  if (settings.IMAGES === 'official') {
    const unreachable = await pullAll(settings, missing);
    if (!unreachable) return {};
    note(
      `note: ${unreachable}; building the base images from Debian packages instead (IMAGES=debian in .env)`,
    );
  }
  return buildFromDebian(settings);
}

/** Pulls one after the other. @returns why the registry is of no use, or null when all are here */
async function pullAll(settings: Settings, keys: readonly BaseImageKey[]): Promise<string | null> {
  for (const key of keys) {
    const reference = settings[key];
    const outcome = await attempt('docker', ['pull', '--quiet', reference], { timeoutSeconds: 900 });
    if (outcome.exitCode === 0) continue;
    // `toomanyrequests` is an error code of the registry protocol, not prose.
    if (/\btoomanyrequests\b/.test(outcome.stderr)) return 'the registry refuses more pulls (rate limit)';
    if (!(await registryAnswers(reference))) return `the registry of ${reference} cannot be reached`;
    throw new Failure(`the base image ${reference} cannot be pulled`, {
      command: outcome.command,
      log: lastLines(outcome.stderr),
      state: 'nothing was changed',
      next: `correct ${key} in .env, or set IMAGES=debian to build the base images here`,
      exitCode: EXIT.usage,
    });
  }
  return null;
}

/** Whether a registry speaks HTTP at all; any status counts. */
async function registryAnswers(reference: string): Promise<boolean> {
  const first = reference.split('/')[0] ?? '';
  const host = reference.includes('/') && /[.:]/.test(first) ? first : 'registry-1.docker.io';
  return fetch(`https://${host}/v2/`, { signal: AbortSignal.timeout(10_000) }).then(
    () => true,
    () => false,
  );
}

async function buildFromDebian(settings: Settings): Promise<Partial<Settings>> {
  const result = await execa('bash', [paths.baseImages], {
    cwd: paths.root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: ['inherit', 'pipe'],
    reject: false,
  });
  if (result.exitCode !== 0)
    throw new Failure('the base images could not be built', {
      command: 'compose/images/build.sh',
      log: lastLines(result.stderr),
      next: 'see the lines above; then run the same command again',
    });
  const built = parseBuiltImages(result.stdout);
  const replaceable = replaceableImages(settings, await readOfficialImages());
  const chosen = Object.fromEntries(replaceable.map((key) => [key, built[key] ?? settings[key]]));
  const values = { IMAGES: 'debian', ...chosen };
  // A drill of what a bucket has needs no .env here.
  if (await envFileExists()) await updateEnvFile(values);
  return values as Partial<Settings>;
}
