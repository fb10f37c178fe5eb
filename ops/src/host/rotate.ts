import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { MEDIA_LIST } from '../plan/backups.ts';
import { findExpired, findRotationObstacle } from '../plan/retention.ts';
import { listNames, partialName, readCatalogue } from './catalogue.ts';
import { findDamage } from './digest.ts';
import { syncDirectory } from './files.ts';
import { readManifest } from './manifest.ts';
import { pruneObjects } from './media-objects.ts';
import { readMediaList } from './media-store.ts';
import { explain } from './postgres.ts';

export interface RotateRequest {
  /** Directory of all backups. */
  backups: string;
  /** BACKUP_KEEP_DAYS. */
  keepDays: number;
  now: Date;
}

export interface Rotation {
  /** Ids of the backups that are gone. */
  deleted: string[];
  /** Photos that no backup names any more, and are gone. */
  photos: { removed: number; bytes: number };
  /** Why something was left that might have gone, for the operator. */
  obstacles: string[];
}

/**
 * Deletes the backups that retention allows to go (plan/retention.ts), then the photos that no remaining backup
 * names. Broken backups are neither deleted nor relied on, and while one does not say which photos it has, every photo
 * stays. The caller holds the lock. It may be killed anywhere: what is half deleted is listed as no backup, and the
 * next backup clears it away.
 * @throws Failure when something cannot be deleted; what went before it is gone
 */
export async function rotate({ backups, keepDays, now }: RotateRequest): Promise<Rotation> {
  try {
    const { backups: whole } = await readCatalogue(backups, { thorough: false });
    const obstacle = findRotationObstacle(whole, now);
    if (obstacle) return { deleted: [], photos: { removed: 0, bytes: 0 }, obstacles: [obstacle] };
    const deleted = findExpired(whole, now, keepDays);
    for (const id of deleted) await deleteBackup(backups, id);
    return { deleted, ...(await deletePhotos(backups, now)) };
  } catch (error) {
    throw explain(error, 'old backups could not be deleted', {
      state: 'every other backup is as it was',
      next: `check ${backups} and its disk; the next backup tries again`,
    });
  }
}

/** Hidden first, and that on the disk: what is half deleted must never have the name of a backup. */
async function deleteBackup(backups: string, id: string): Promise<void> {
  const hidden = path.join(backups, partialName(id));
  await rename(path.join(backups, id), hidden);
  await syncDirectory(backups);
  await rm(hidden, { recursive: true });
}

async function deletePhotos(backups: string, now: Date): Promise<Omit<Rotation, 'deleted'>> {
  const { needed, obstacles } = await findNeeded(backups);
  if (obstacles.length > 0) return { photos: { removed: 0, bytes: 0 }, obstacles };
  return { photos: await pruneObjects(backups, needed, now), obstacles };
}

/** SHA-256 of every photo that a directory names, the broken ones included: somebody may mend those. */
async function findNeeded(backups: string): Promise<{ needed: Set<string>; obstacles: string[] }> {
  const needed = new Set<string>();
  const obstacles: string[] = [];
  // What is hidden was never a backup, or is none any more.
  for (const name of (await listNames(backups)).filter((one) => !one.startsWith('.'))) {
    try {
      await addPhotos(path.join(backups, name), needed);
    } catch (error) {
      obstacles.push(
        `the photos of ${name} are not known (${(error as Error).message}), so all of them stay`,
      );
    }
  }
  return { needed, obstacles };
}

/** @throws Error unless it is certain which photos the directory names */
async function addPhotos(directory: string, needed: Set<string>): Promise<void> {
  const manifest = await readManifest(directory);
  const list = path.join(directory, MEDIA_LIST);
  const written = manifest?.files.find(({ name }) => name === MEDIA_LIST);
  if (manifest && manifest.media.storage !== 'local' && !written) return;
  const damage = written && (await findDamage(list, written, { thorough: true }));
  if (damage) throw new Error(`${MEDIA_LIST} ${damage}`);
  for (const { sha256 } of await readMediaList(directory)) needed.add(sha256);
}
