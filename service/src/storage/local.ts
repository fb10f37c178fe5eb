import { randomUUID } from 'node:crypto';
import { access, chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Area, isKey } from './keys.ts';
import { NotStoredError, type Storage } from './storage.ts';

// The web server reads variants through the group; others see nothing.
const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;

/**
 * Media on the local disk, under `root`/originals and `root`/variants. A file appears under its key only
 * when its bytes and its name are on the disk: fsync, rename, fsync of the directory.
 */
export function localStorage(root: string): Storage {
  const temporaryRoot = join(root, 'tmp');

  function pathOf(area: Area, key: string): string {
    if (!isKey(key)) throw new NotStoredError('malformed key');
    return join(root, area, key);
  }

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

    async store(area, key, temporaryPath) {
      const path = pathOf(area, key);
      await chmod(temporaryPath, FILE_MODE);
      await flush(temporaryPath);
      const created = await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      await rename(temporaryPath, path);
      await flush(dirname(path));
      if (created) await flush(dirname(dirname(path)));
    },

    async open(area, key) {
      const file = await open(pathOf(area, key)).catch(orNotStored);
      const stats = await file.stat();
      return { bytes: stats.size, stream: file.createReadStream() };
    },

    async withLocalFile(area, key, work) {
      const path = pathOf(area, key);
      await access(path).catch(orNotStored);
      return work(path);
    },

    async remove(area, key) {
      await rm(pathOf(area, key), { force: true });
    },

    async removeLeftovers(olderThanSeconds) {
      await removeOld(temporaryRoot, Date.now() - olderThanSeconds * 1000);
    },
  };
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeOld(directory: string, beforeMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const path = join(directory, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats && stats.mtimeMs < beforeMs) await rm(path, { recursive: true, force: true });
  }
}

function orNotStored(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new NotStoredError('no such file');
  throw error;
}
