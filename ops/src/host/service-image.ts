import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { type ImageBuild, localBuild } from '../plan/image-build.ts';
import type { RegistryLogin } from '../plan/registry-login.ts';
import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { askEngine, callEngine, EngineError, isMissing } from './engine.ts';
import { attempt, lastLines, type Outcome, run } from './exec.ts';
import { hashTree } from './files.ts';
import { paths } from './paths.ts';
import { pullWithLogin } from './registry-login.ts';

/** Image ids by reference, for every reference that is on this engine. */
export async function findImageIds(references: readonly string[]): Promise<Record<string, string>> {
  const found = await Promise.all(
    [...new Set(references)].map(async (reference) => {
      const image = await askEngine<{ Id: string }>('GET', `/images/${reference}/json`).catch(nullIfMissing);
      return image && ([reference, image.Id] as const);
    }),
  );
  return Object.fromEntries(found.filter((entry) => entry !== null));
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

const BUILD_INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'ops/package.json', 'service'];

/** The tag of an image built from this checkout: its inputs' digest, so that no change means no build. */
export async function localTag(): Promise<string> {
  return `local-${(await hashTree(paths.root, BUILD_INPUTS)).slice(0, 12)}`;
}

/** Builds the service's image from this checkout. @throws Failure with the build's last lines */
export async function buildServiceImage(settings: Settings, tag: string): Promise<void> {
  await run('docker', localBuild(await describeBuild(settings, tag)));
}

/** What a build of this checkout needs to know about this machine. */
export async function describeBuild(settings: Settings, tag: string): Promise<ImageBuild> {
  const registry = (await attempt('npm', ['config', 'get', 'registry'])).stdout.trim();
  const authority = process.env.NODE_EXTRA_CA_CERTS;
  return {
    root: paths.root,
    imageName: settings.IMAGE_NAME,
    tag,
    nodeImage: settings.NODE_IMAGE,
    ...(registry.startsWith('http') ? { npmRegistry: registry } : {}),
    ...(authority ? { authorityFile: authority } : {}),
  };
}

// Codes and words of the registry protocol for "there is no such thing" and "not for you": asking again
// changes nothing. https://distribution.github.io/distribution/spec/api/#errors-2
const FINAL_REFUSAL = /manifest unknown|name unknown|unauthorized|denied|not found/i;
const PULL_ATTEMPTS = 3;

/**
 * Pulls the service's image; a registry that stumbles is asked three times. On a terminal docker's own
 * progress is shown.
 * @param login for this once; without it what `docker login` has left counts
 * @throws Failure naming the tags this engine has
 */
export async function pullServiceImage(
  settings: Settings,
  tag: string,
  login: RegistryLogin | null = null,
): Promise<void> {
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  let outcome = await pullOnce(reference, login);
  for (let attempts = 1; outcome.exitCode !== 0 && attempts < PULL_ATTEMPTS; attempts += 1) {
    if (FINAL_REFUSAL.test(outcome.stderr)) break;
    note(`note: the registry failed (${lastLines(outcome.stderr, 1)}); trying again in ${attempts * 2} s`);
    await delay(attempts * 2000);
    outcome = await pullOnce(reference, login);
  }
  if (outcome.exitCode === 0) return;
  const known = (await listLocalImages(settings.IMAGE_NAME)).map((one) => one.tag);
  throw new Failure(`release ${tag} is neither on this server nor can it be pulled`, {
    command: outcome.command,
    log: lastLines(outcome.stderr, 5),
    state: 'nothing was changed; what ran goes on running',
    next:
      known.length > 0
        ? `make deploy TAG=<one of: ${known.join(', ')}>`
        : 'make deploy (builds this checkout)',
  });
}

function pullOnce(reference: string, login: RegistryLogin | null): Promise<Outcome> {
  if (login) return pullWithLogin(reference, login);
  const isShown = process.stderr.isTTY === true;
  const args = isShown ? ['pull', reference] : ['pull', '--quiet', reference];
  return attempt('docker', args, { timeoutSeconds: 900, showsProgress: isShown });
}

/** Tags and ids of the service's image on this engine, newest first. */
export async function listLocalImages(imageName: string): Promise<{ tag: string; id: string }[]> {
  const filters = encodeURIComponent(JSON.stringify({ reference: [imageName] }));
  const images = await askEngine<{ Id: string; Created: number; RepoTags: string[] | null }[]>(
    'GET',
    `/images/json?filters=${filters}`,
  );
  return images
    .sort((a, b) => b.Created - a.Created)
    .flatMap(({ Id, RepoTags }) => (RepoTags ?? []).map((reference) => ({ reference, id: Id })))
    .filter(({ reference }) => reference.startsWith(`${imageName}:`))
    .map(({ reference, id }) => ({ tag: reference.slice(imageName.length + 1), id }));
}

/** Removes a tag, and the image when it was its last. @returns false when a container still uses it */
export async function removeImage(reference: string): Promise<boolean> {
  return callEngine('DELETE', `/images/${reference}`).then(
    () => true,
    (error) => {
      if (error instanceof EngineError && error.status === 409) return false;
      if (isMissing(error)) return true;
      throw error;
    },
  );
}
