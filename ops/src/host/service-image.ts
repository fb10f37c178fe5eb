import type { Settings } from '../config/validate.ts';
import { Failure } from '../report/failure.ts';
import { attempt, lastLines, run } from './exec.ts';
import { hashTree } from './files.ts';
import { paths } from './paths.ts';

/** Image ids by reference, for every reference that is on this engine. */
export async function findImageIds(references: readonly string[]): Promise<Record<string, string>> {
  const found = await Promise.all(
    [...new Set(references)].map(async (reference) => {
      const outcome = await attempt('docker', ['image', 'inspect', '--format', '{{.Id}}', reference]);
      return outcome.exitCode === 0 ? ([reference, outcome.stdout.trim()] as const) : null;
    }),
  );
  return Object.fromEntries(found.filter((entry) => entry !== null));
}

const BUILD_INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'ops/package.json', 'service'];

/** The tag of an image built from this checkout: its inputs' digest, so that no change means no build. */
export async function localTag(): Promise<string> {
  return `local-${(await hashTree(paths.root, BUILD_INPUTS)).slice(0, 12)}`;
}

/** Builds the service's image from this checkout. @throws Failure with the build's last lines */
export async function buildServiceImage(settings: Settings, tag: string): Promise<void> {
  const registry = (await attempt('npm', ['config', 'get', 'registry'])).stdout.trim();
  const authority = process.env.NODE_EXTRA_CA_CERTS;
  await run('docker', [
    'buildx',
    'build',
    '--load',
    '--progress=plain',
    '--network=host',
    `--file=${paths.root}/service/Dockerfile`,
    `--tag=${settings.IMAGE_NAME}:${tag}`,
    `--build-arg=NODE_IMAGE=${settings.NODE_IMAGE}`,
    `--build-arg=RELEASE=${tag}`,
    ...(registry.startsWith('http') ? [`--build-arg=NPM_CONFIG_REGISTRY=${registry}`] : []),
    ...(authority ? [`--secret=id=ca,src=${authority}`] : []),
    paths.root,
  ]);
}

/** Pulls the service's image. @throws Failure naming the tags this engine has */
export async function pullServiceImage(settings: Settings, tag: string): Promise<void> {
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  const outcome = await attempt('docker', ['pull', '--quiet', reference], { timeoutSeconds: 900 });
  if (outcome.exitCode === 0) return;
  const known = await listLocalTags(settings.IMAGE_NAME);
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

/** Tags of the service's image on this engine, newest first. */
export async function listLocalTags(imageName: string): Promise<string[]> {
  const output = await run('docker', ['image', 'ls', '--format', '{{.Tag}}', imageName]);
  return output.split('\n').filter((tag) => tag && tag !== '<none>');
}
