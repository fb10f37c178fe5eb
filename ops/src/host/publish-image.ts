import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { publishedBuild, registryOf, sourceUrl } from '../plan/image-build.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { attempt, run } from './exec.ts';
import { paths } from './paths.ts';
import { describeBuild } from './service-image.ts';

// The engine's own builder knows one platform, and neither attestations nor a cache in a registry.
const BUILDER = 'atlas';

/**
 * Builds the service's image from this checkout for every platform and pushes it.
 * @returns its reference with the digest
 * @throws Failure (exit 2, nothing built) when IMAGE_NAME names no registry or the checkout is not a commit
 */
export async function publishServiceImage(
  settings: Settings,
  tag: string,
  platforms: readonly string[],
): Promise<string> {
  const registry = registryOf(settings.IMAGE_NAME);
  if (!registry)
    throw new Failure(`IMAGE_NAME=${settings.IMAGE_NAME} names no registry to push to`, {
      state: 'nothing was built',
      next: 'set IMAGE_NAME in .env or in the environment, such as ghcr.io/you/sevra-atlas',
      exitCode: EXIT.usage,
    });
  const origin = await readOrigin();
  const builder = process.env.BUILDX_BUILDER ? null : await ensureBuilder();
  const build = await describeBuild(settings, tag);
  const scratch = await mkdtemp(path.join(tmpdir(), 'atlas-publish-'));
  try {
    const metadataFile = path.join(scratch, 'metadata.json');
    await run('docker', publishedBuild(build, { ...origin, platforms, builder, metadataFile }), {
      showsProgress: true,
      next: `when the push was refused: docker login ${registry}`,
    });
    const metadata = JSON.parse(await readFile(metadataFile, 'utf8')) as Record<string, string>;
    return `${settings.IMAGE_NAME}:${tag}@${metadata['containerimage.digest']}`;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** The commit that is checked out. What is published must be what it says it is. */
async function readOrigin(): Promise<{ source: string | null; revision: string; committedAt: string }> {
  const git = (...args: string[]) => attempt('git', ['-C', paths.root, ...args]);
  const commit = await git('log', '-1', '--format=%H %cI');
  const changed = await git('status', '--porcelain');
  const [revision = '', committedAt = ''] = commit.stdout.trim().split(' ');
  if (commit.exitCode !== 0 || changed.exitCode !== 0)
    throw new Failure(
      'this directory is no git checkout, so nobody could tell what the image was built from',
      {
        command: commit.command,
        log: commit.stderr || changed.stderr,
        state: 'nothing was built',
        next: 'publish from a clone of the repository',
        exitCode: EXIT.usage,
      },
    );
  if (changed.stdout)
    throw new Failure('the checkout has changes that are in no commit', {
      log: changed.stdout,
      state: 'nothing was built',
      next: 'commit them, or put them aside with git stash --include-untracked',
      exitCode: EXIT.usage,
    });
  const remote = (await git('remote', 'get-url', 'origin')).stdout.trim();
  return { source: sourceUrl(remote), revision, committedAt };
}

async function ensureBuilder(): Promise<string> {
  const known = await attempt('docker', ['buildx', 'inspect', BUILDER]);
  if (known.exitCode !== 0)
    await run('docker', ['buildx', 'create', `--name=${BUILDER}`, '--driver=docker-container']);
  return BUILDER;
}
