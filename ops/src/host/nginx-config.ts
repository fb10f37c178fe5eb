import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { exists, hashTree, listFiles, writeAtomically } from './files.ts';
import { paths } from './paths.ts';

/** Where nginx sees `.atlas/nginx`. */
const MOUNT = '/etc/nginx-release';
/** A link to the configuration that nginx reads, tested; the way there is the same for a start and a reload. */
const LIVE = 'live';
export const LIVE_CONFIG = `${MOUNT}/${LIVE}/nginx.conf`;
const PREFIX = 'config-';

/** The command that tests a configuration, inside nginx's container. */
export const checkCommand = (name: string) => ['sh', `${MOUNT}/${name}/start.sh`, 'check'];

/**
 * Names the configuration that nginx/ and the settings make now: the same content has the same name.
 * @param site what comes from the settings, by file name
 */
export async function nameConfig(site: Readonly<Record<string, string>>): Promise<string> {
  const hash = createHash('sha256')
    .update(await hashTree(paths.root, ['nginx']))
    .update(JSON.stringify(site));
  return `${PREFIX}${hash.digest('hex').slice(0, 16)}`;
}

/** Whether there is any that nginx could start with. */
export async function hasLiveConfig(): Promise<boolean> {
  return exists(path.join(paths.nginxRelease, LIVE, 'nginx.conf'));
}

/** Whether nginx reads that configuration. */
export async function isLiveConfig(name: string): Promise<boolean> {
  return (await readlink(path.join(paths.nginxRelease, LIVE)).catch(() => '')) === name;
}

/** Writes a configuration where nginx can see it, without making it the one that is read. @returns its name */
export async function writeConfig(site: Readonly<Record<string, string>>): Promise<string> {
  const name = await nameConfig(site);
  if (await isLiveConfig(name)) return name; // nothing is ever written into the one that nginx reads
  const directory = path.join(paths.nginxRelease, name);
  const files = await listFiles(paths.nginx);
  for (const file of files)
    await writeReadable(path.join(directory, path.relative(paths.nginx, file)), await readFile(file, 'utf8'));
  for (const [file, text] of Object.entries(site))
    await writeReadable(path.join(directory, 'site', file), text);
  return name;
}

/** Whatever the umask: nginx reads it as uid 101. */
export async function writeReadable(file: string, text: string): Promise<void> {
  for (const directory of [paths.nginxRelease, path.dirname(file)]) {
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o755);
  }
  await writeAtomically(file, text, 0o644);
  await chmod(file, 0o644);
}

/** Makes a configuration the one that nginx reads at its next reload or start, and removes all others. */
export async function adoptConfig(name: string): Promise<void> {
  const link = path.join(paths.nginxRelease, LIVE);
  await rm(`${link}.new`, { force: true });
  await symlink(name, `${link}.new`);
  await rename(`${link}.new`, link);
  for (const entry of await readdir(paths.nginxRelease))
    if (entry.startsWith(PREFIX) && entry !== name)
      await rm(path.join(paths.nginxRelease, entry), { recursive: true });
}
