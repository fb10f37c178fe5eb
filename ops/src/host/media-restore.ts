import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { formatStamp, type MediaFile } from '../plan/backups.ts';
import { KEPT_ASIDE } from '../plan/media-files.ts';
import { Failure } from '../report/failure.ts';
import { copyHashed, hashFile, openRegular } from './copy-hashed.ts';
import { explainDamage, formatMediaDamage, type MediaDamage } from './media-damage.ts';
import { locateObject } from './media-objects.ts';
import { toMtime } from './media-store.ts';
import { openUploads, type Uploads } from './uploads.ts';

// As the service makes them (service/src/storage/local.ts): nginx reads variants through the group.
const FILE_MODE = 0o640;

export interface RestoredMedia {
  restored: number;
  bytes: number;
  /** Were there as they should be. */
  unchanged: number;
  /** How often something else had the place of a photo: it lies below `aside` now. */
  keptAside: number;
  /** Path of the directory, when there is one. */
  aside: string | null;
}

interface Place {
  backups: string;
  uploads: string;
  now?: Date;
}

/**
 * Puts every photo of a list into its place, read back from the store and proved by its hash. What is there already
 * stays; other content under the same path is moved to uploads/.before-<time>/, where neither the service
 * nor nginx looks; files that the list does not name are not touched. Safe to repeat after a kill at any moment.
 * @throws Failure for a full disk; and for damaged objects, after all other photos have been restored
 */
export async function restoreMedia(
  files: readonly MediaFile[],
  { backups, uploads, now = new Date() }: Place,
): Promise<RestoredMedia> {
  const result = { restored: 0, bytes: 0, unchanged: 0 };
  const damage: MediaDamage[] = [];
  const target = await openUploads(uploads, `${KEPT_ASIDE}${formatStamp(now)}`);
  for (const file of files) {
    if (await isThere(target, file)) {
      result.unchanged += 1;
      continue;
    }
    const why = await restoreOne(target, file, locateObject(backups, file.sha256));
    if (why) damage.push({ path: file.path, object: locateObject(backups, file.sha256), why });
    else {
      result.restored += 1;
      result.bytes += file.bytes;
    }
  }
  await target.flush();
  if (damage.length > 0) throw describeDamage(damage, result);
  return { ...result, keptAside: target.kept.count, aside: target.kept.aside };
}

/** @returns why it was not possible, with everything as it was */
async function restoreOne(target: Uploads, file: MediaFile, object: string): Promise<string | undefined> {
  const source = await openRegular(object);
  if (!source) return explainDamage(file, null);
  const temporary = await target.nameTemporary();
  try {
    const content = await copyHashed(source, temporary, FILE_MODE, async (copy) => {
      if (process.getuid?.() === 0) await copy.chown(target.owner.uid, target.owner.gid);
      await copy.chmod(FILE_MODE);
      await copy.utimes(file.mtime / 1000, file.mtime / 1000);
    });
    const why = explainDamage(file, content);
    if (!why) await target.put(temporary, file.path);
    return why;
  } finally {
    await source.close();
    await rm(temporary, { force: true });
  }
}

async function isThere(target: Uploads, { path: file, bytes, mtime, sha256 }: MediaFile): Promise<boolean> {
  const place = await target.locate(file);
  if (!place) return false;
  const stats = await lstat(place).catch(() => null);
  if (!stats?.isFile() || stats.size !== bytes) return false;
  return toMtime(stats) === mtime || (await hashFile(place))?.sha256 === sha256;
}

type Counts = Pick<RestoredMedia, 'restored' | 'unchanged'>;

function describeDamage(damage: readonly MediaDamage[], { restored, unchanged }: Counts): Failure {
  return new Failure(`${damage.length} photos could not be restored`, {
    log: formatMediaDamage(damage),
    state: `${restored} other photos were restored and ${unchanged} were there; what has the place of a damaged one was not touched`,
    next: 'take these photos from a copy of backups/media elsewhere, then run the same command again',
  });
}

/** The directories with what earlier restores found in the place of photos. */
export async function listKeptAside(uploads: string): Promise<string[]> {
  const names = await readdir(uploads).catch(() => []);
  return names.filter((name) => name.startsWith(KEPT_ASIDE)).map((name) => path.join(uploads, name));
}

/** @param directory one of listKeptAside */
export async function removeKeptAside(directory: string): Promise<void> {
  await rm(directory, { recursive: true });
}
