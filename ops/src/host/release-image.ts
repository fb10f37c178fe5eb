import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Migration } from '../plan/schema.ts';
import { EXIT, Failure } from '../report/failure.ts';
import type { Compose } from './compose.ts';
import { runOneOff } from './containers.ts';
import { lastLines } from './exec.ts';
import { writeAtomically } from './files.ts';
import { paths } from './paths.ts';
import { listLocalImages } from './service-image.ts';

/** What an image said when it was asked. An image never changes, so it is asked once per settings. */
interface Answer {
  migrations: Migration[];
  /** Digests of the settings it accepted. */
  accepted: string[];
}

const REMEMBERED_SETTINGS = 20;

const fileOf = (imageId: string) => path.join(paths.images, `${imageId.replace('sha256:', '')}.json`);

/** Compose's own digests of what the three roles would run with. */
export function digestSettings(hashes: Readonly<Record<string, string>>): string {
  const roles = ['api', 'worker', 'migrate'].map((role) => hashes[role] ?? '');
  return createHash('sha256').update(roles.join()).digest('hex');
}

/** The migrations of an image that has accepted these settings before; null when it must be asked. */
export async function recallImage(imageId: string, settingsDigest: string): Promise<Migration[] | null> {
  const answer = await readAnswer(imageId);
  return answer?.accepted.includes(settingsDigest) ? answer.migrations : null;
}

async function readAnswer(imageId: string): Promise<Answer | null> {
  return readFile(fileOf(imageId), 'utf8').then(
    (text) => JSON.parse(text) as Answer,
    () => null,
  );
}

/**
 * Asks the image itself, in the api's own environment and without any network, whether it can start with
 * these settings, and which migrations it knows.
 * @throws Failure (exit 2) naming every bad variable
 */
export async function askImage(
  compose: Compose,
  imageId: string,
  settingsDigest: string,
): Promise<Migration[]> {
  const { image, environment } = await compose.describeService('api');
  const project = compose.env.COMPOSE_PROJECT_NAME ?? '';
  const command = ['preflight'];
  const one = { project, service: 'api', image, environment, command, network: 'none' };
  const { exitCode, output } = await runOneOff(one);
  const line = output.split('\n').find((text) => text.startsWith('{"migrations":'));
  if (exitCode !== 0 || !line) throw describeRefusal(image, command, exitCode, output);
  const { migrations } = JSON.parse(line) as { migrations: Migration[] };
  const accepted = [...((await readAnswer(imageId))?.accepted ?? []), settingsDigest];
  await mkdir(paths.images, { recursive: true, mode: 0o700 });
  const answer: Answer = { migrations, accepted: accepted.slice(-REMEMBERED_SETTINGS) };
  await writeAtomically(fileOf(imageId), `${JSON.stringify(answer)}\n`, 0o600);
  return migrations;
}

function describeRefusal(image: string, command: string[], exitCode: number, output: string): Failure {
  // The service's own code for bad usage; an image from before `preflight` answers with it too.
  const isPicky = exitCode === EXIT.usage && !output.includes('unknown role');
  return new Failure(
    isPicky ? 'the release does not accept its settings' : `${image} cannot be deployed by this checkout`,
    {
      command: `docker compose run --rm --no-deps api ${command.join(' ')}`,
      log: lastLines(output),
      next: isPicky
        ? 'correct .env, then run the same command again'
        : 'deploy an image of this product that make image or CI has built, not older than this checkout',
      exitCode: EXIT.usage,
    },
  );
}

/** The tag of an image on this engine that knows all of these migrations; the preferred one if it does. */
export async function findImageKnowing(
  imageName: string,
  names: readonly string[],
  preferredTag: string | null,
): Promise<string | null> {
  const images = await listLocalImages(imageName);
  const ordered = [...images.filter((one) => one.tag === preferredTag), ...images];
  for (const { tag, id } of ordered) {
    const known = new Set((await readAnswer(id))?.migrations.map((one) => one.name));
    if (names.every((name) => known.has(name))) return tag;
  }
  return null;
}

/** Forgets what images said that are no longer here. @param present ids of the images on this engine */
export async function forgetImages(present: readonly string[]): Promise<void> {
  const keep = new Set(present.map((id) => path.basename(fileOf(id))));
  for (const name of await readdir(paths.images).catch(() => []))
    if (!keep.has(name)) await rm(path.join(paths.images, name), { force: true });
}
