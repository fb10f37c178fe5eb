import path from 'node:path';
import type { Manifest, MediaFile } from '../plan/backups.ts';
import type { RestoreTarget } from '../plan/restore-at.ts';
import { listBackups } from './catalogue.ts';
import { exists } from './files.ts';
import { restoreMedia } from './media-restore.ts';
import { readMediaList } from './media-store.ts';
import { paths } from './paths.ts';

/**
 * Brings back photos that were there around the target and are gone since: those of the last backup before it and of the
 * first one after it, as far as nothing has their place now.
 */
export async function bringMissingPhotosBack(target: RestoreTarget): Promise<string> {
  const backups = (await listBackups()).filter(({ media }) => media.storage === 'local');
  if (target.kind === 'latest' || backups.length === 0) return 'as they are';
  return bringBack(backups, Date.parse(target.kind === 'time' ? target.at : target.point.time));
}

/** On a machine that has no photos yet: those of the newest backup that has some. */
export async function bringAllPhotos(): Promise<string> {
  return bringBack(
    (await listBackups()).filter(({ media }) => media.storage === 'local'),
    Date.now(),
  );
}

async function bringBack(backups: readonly Manifest[], instant: number): Promise<string> {
  const before = backups.find(({ time }) => Date.parse(time) <= instant);
  const after = backups.findLast(({ time }) => Date.parse(time) > instant);
  const missing = new Map<string, MediaFile>();
  for (const backup of [before, after]) {
    if (!backup) continue;
    for (const file of await readMediaList(path.join(paths.backups, backup.id)))
      if (!(await exists(path.join(paths.uploads, file.path)))) missing.set(file.path, file);
  }
  const { restored } = await restoreMedia([...missing.values()], paths);
  return `${restored} of ${missing.size} that were missing brought back`;
}
