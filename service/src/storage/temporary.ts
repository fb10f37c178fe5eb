import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from './storage.ts';

const DIRECTORY_MODE = 0o750;

/**
 * The half of a storage that is on the local disk whatever the storage: temporary directories under
 * `root`/tmp. The container's own /tmp is memory, and small.
 */
export function temporaryDirectories(
  root: string,
): Pick<Storage, 'withTemporaryDirectory' | 'removeLeftovers'> {
  const temporaryRoot = join(root, 'tmp');
  return {
    async withTemporaryDirectory(work) {
      const directory = join(temporaryRoot, randomUUID());
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
      try {
        return await work(directory);
      } finally {
        await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      }
    },

    async removeLeftovers(olderThanSeconds) {
      await removeOld(temporaryRoot, Date.now() - olderThanSeconds * 1000);
    },
  };
}

async function removeOld(directory: string, beforeMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const path = join(directory, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats && stats.mtimeMs < beforeMs) await rm(path, { recursive: true, force: true });
  }
}
