import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { parseBuiltImages } from '../../src/plan/base-images.ts';

const checkout = path.resolve(import.meta.dirname, '../../..');
const context = path.join(import.meta.dirname, 'image');

export type Distribution = 'trixie' | 'bookworm';

/** The base images from Debian packages, by the variable of .env that names each; built when they are not here yet. */
export async function baseImages(): Promise<Record<string, string>> {
  const built = await execa('bash', [path.join(checkout, 'compose/images/build.sh')], { stderr: 'inherit' });
  return parseBuiltImages(built.stdout) as Record<string, string>;
}

/** Builds the image of a bare VPS. @returns its reference */
export async function buildVpsImage(distribution: Distribution): Promise<string> {
  return build(
    'vps',
    distribution,
    distribution === 'trixie' ? await trixieRootfs() : await bookwormRootfs(),
  );
}

/** Builds the registry's image. @returns its reference */
export async function buildRegistryImage(): Promise<string> {
  return build('registry', 'trixie', await trixieRootfs());
}

async function build(target: string, distribution: Distribution, rootfs: string): Promise<string> {
  const tag = `atlas-test/${target}:${distribution}`;
  const { NODE_IMAGE = '' } = await baseImages();
  const values = { ROOTFS: rootfs, NODE_IMAGE, DISTRIBUTION: distribution };
  const args = Object.entries(values).map(([key, value]) => `--build-arg=${key}=${value}`);
  await execa('docker', [
    'buildx',
    'build',
    '--load',
    '--network=host',
    '--target',
    target,
    '--tag',
    tag,
    ...args,
    context,
  ]);
  return tag;
}

/** What compose/images/build.sh starts from. */
async function trixieRootfs(): Promise<string> {
  await baseImages();
  const { stdout } = await execa('docker', [
    'image',
    'ls',
    '--filter=label=atlas.rootfs',
    '--format={{.Repository}}:{{.Tag}}',
  ]);
  const [rootfs] = stdout.split('\n').filter((line) => line.startsWith('atlas-base/debian:trixie-'));
  if (!rootfs) throw new Error('compose/images/build.sh left no image of its root file system');
  return rootfs;
}

/** The operator's machine with Kamal, which Debian has since forky. @returns the image's reference */
export const buildKamalImage = (): Promise<string> =>
  importRootfs('atlas-test/kamal', 'forky', 'ruby-kamal,git,openssh-client,ca-certificates');

const bookwormRootfs = () => importRootfs('atlas-test/debian', 'bookworm');

async function importRootfs(repository: string, suite: string, packages = ''): Promise<string> {
  const script = path.join(context, 'rootfs.sh');
  const recipe = createHash('sha256').update(readFileSync(script)).update(packages).digest('hex');
  const reference = `${repository}:${suite}-${recipe.slice(0, 12)}`;
  const { exitCode } = await execa('docker', ['image', 'inspect', reference], { reject: false });
  if (exitCode !== 0) await execa('bash', [script, reference, suite, packages], { stderr: 'inherit' });
  return reference;
}
