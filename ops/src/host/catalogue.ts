import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Backup,
  DRILL_FILE,
  MANIFEST_FILE,
  type Manifest,
  MEDIA_LIST,
  MEDIA_STORE,
  type MediaRecord,
  parseDrillRecord,
} from '../plan/backups.ts';
import { objectPath } from '../plan/media-files.ts';
import { findDamage } from './digest.ts';
import { exists } from './files.ts';
import { readManifest } from './manifest.ts';
import { locateObject } from './media-objects.ts';
import { readMediaList } from './media-store.ts';
import { paths } from './paths.ts';

/** Something that begins like a backup and cannot be restored. */
export interface BrokenBackup {
  /** Name of its directory under backups/. */
  name: string;
  why: string;
  /** What the operator can do. */
  next: string;
}

export interface Catalogue {
  /** Newest first. */
  backups: Backup[];
  broken: BrokenBackup[];
}

/**
 * Reads what is in backups/: the files alone say which backups there are.
 * @param options.thorough reads every file and photo whole and compares SHA-256; without it sizes of files only
 * @throws Error when the directory itself cannot be read; one that does not exist holds no backups
 */
export async function readCatalogue(
  backups: string,
  { thorough }: { thorough: boolean },
): Promise<Catalogue> {
  const catalogue: Catalogue = { backups: [], broken: [] };
  const findPhotoDamage = createPhotoCheck(backups);
  for (const name of await listNames(backups)) {
    const directory = path.join(backups, name);
    const manifest = await readManifest(directory);
    const faults = manifest
      ? await findFaults(manifest, directory, thorough)
      : [await explainNone(directory)];
    if (thorough && manifest && faults.length === 0)
      faults.push(...(await findPhotoFaults(manifest, directory, findPhotoDamage)));
    // A rotation may have deleted it while it was read: nobody holds the lock here.
    if (faults.length > 0 && !(await exists(directory))) continue;
    if (manifest && faults.length === 0)
      catalogue.backups.push({ manifest, drill: await readDrill(directory) });
    else catalogue.broken.push({ name, why: summarize(faults), next: advise(name, faults) });
  }
  catalogue.backups.sort((a, b) => Date.parse(b.manifest.time) - Date.parse(a.manifest.time));
  return catalogue;
}

/** Manifests of what can be restored as far as names and sizes tell, newest first. */
export async function listBackups(backups: string = paths.backups): Promise<Manifest[]> {
  return (await readCatalogue(backups, { thorough: false })).backups.map(({ manifest }) => manifest);
}

/** The hidden name under which a backup is written, and deleted. */
export const partialName = (id: string) => `.${id}.partial`;

/** Names under backups/ that are a backup, were to be one, or hold a manifest. */
export async function listNames(backups: string): Promise<string[]> {
  const names = await readdir(backups).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: string[] = [];
  for (const name of names.sort()) {
    const isNamedSo = /^\d{8}T\d{6}Z-/.test(name) || /^\..+\.partial$/.test(name);
    if (isNamedSo || (await exists(path.join(backups, name, MANIFEST_FILE)))) found.push(name);
  }
  return found;
}

async function readDrill(directory: string) {
  return parseDrillRecord(await readFile(path.join(directory, DRILL_FILE), 'utf8').catch(() => ''));
}

/** Why a directory is no backup, when it has no manifest that can be read. */
export async function explainNone(directory: string): Promise<string> {
  if (path.basename(directory).startsWith('.')) return 'it is not finished: a backup was killed, or runs now';
  const isThere = await exists(path.join(directory, MANIFEST_FILE));
  return isThere ? `${MANIFEST_FILE} is damaged or of another backup` : `${MANIFEST_FILE} is missing`;
}

async function findFaults(manifest: Manifest, directory: string, thorough: boolean): Promise<string[]> {
  const faults: string[] = [];
  for (const file of manifest.files) {
    const damage = await findDamage(path.join(directory, file.name), file, { thorough });
    if (damage) faults.push(`${file.name} ${damage}`);
  }
  const hasList = manifest.files.some(({ name }) => name === MEDIA_LIST);
  if (manifest.media.storage === 'local' && !hasList) faults.push(`${MANIFEST_FILE} names no ${MEDIA_LIST}`);
  return faults;
}

type PhotoCheck = (sha256: string, bytes: number) => Promise<string | null>;

/** Reads each photo once, though most backups share it. */
function createPhotoCheck(backups: string): PhotoCheck {
  const known = new Map<string, string | null>();
  return async (sha256, bytes) => {
    const seen = known.get(sha256);
    if (seen !== undefined) return seen;
    const damage = await findDamage(locateObject(backups, sha256), { sha256, bytes }, { thorough: true });
    known.set(sha256, damage);
    return damage;
  };
}

async function findPhotoFaults(
  { media }: Manifest,
  directory: string,
  findPhotoDamage: PhotoCheck,
): Promise<string[]> {
  if (media.storage !== 'local') return [];
  const faults: string[] = [];
  const sum = { files: 0, bytes: 0 };
  try {
    for (const photo of await readMediaList(directory)) {
      sum.files += 1;
      sum.bytes += photo.bytes;
      const damage = await findPhotoDamage(photo.sha256, photo.bytes);
      if (damage)
        faults.push(`the photo ${photo.path} (${MEDIA_STORE}/${objectPath(photo.sha256)}) ${damage}`);
    }
  } catch (error) {
    return [`the photos are not known: ${(error as Error).message}`];
  }
  return [...compareSums(media, sum), ...faults];
}

function compareSums(
  media: Extract<MediaRecord, { storage: 'local' }>,
  sum: { files: number; bytes: number },
): string[] {
  if (media.files === sum.files && media.bytes === sum.bytes) return [];
  return [`${MEDIA_LIST} names ${sum.files} photos instead of ${media.files}, or others`];
}

function advise(name: string, faults: readonly string[]): string {
  if (name.startsWith('.')) return 'nothing: the next backup clears it away';
  if (faults.every((fault) => fault.startsWith('the photo ')))
    return 'remove what is damaged below backups/media/: the next backup takes it anew from uploads/, if it is still there';
  return `when it is of no use to you: rm -r backups/${name}`;
}

function summarize(faults: readonly string[]): string {
  const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
  return `${faults.slice(0, 3).join('; ')}${more}`;
}
