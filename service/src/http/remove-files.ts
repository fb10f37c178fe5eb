import type { PhotoFiles } from '../db/photos.ts';
import type { Logger } from '../log.ts';
import { type Storage, StorageAwayError } from '../storage/storage.ts';

/**
 * Removes the files of photos whose rows are gone. Never rejects: the answer is already true, and a file
 * left behind is removed as an orphan later (jobs/orphans.ts). A storage that is away is asked once.
 */
export async function removeFiles(
  { storage, log }: { storage: Storage; log: Logger },
  photos: PhotoFiles[],
): Promise<void> {
  for (const { originalKey, variantKeys } of photos) {
    const removals = [
      storage.remove('originals', originalKey),
      ...variantKeys.map((key) => storage.remove('variants', key)),
    ];
    for (const outcome of await Promise.allSettled(removals)) {
      if (outcome.status !== 'rejected') continue;
      log.warn({ err: outcome.reason, originalKey }, 'file not removed');
      if (outcome.reason instanceof StorageAwayError) return;
    }
  }
}
