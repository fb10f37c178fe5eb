import { access, chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Area, isKey } from './keys.ts';
import { type ListedFile, NotStoredError, type Storage } from './storage.ts';
import { temporaryDirectories } from './temporary.ts';

// The web server reads variants through the group; others see nothing.
const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;

/**
 * Media on the local disk, under `root`/originals and `root`/variants. A file appears under its key only
 * when its bytes and its name are on the disk: fsync, rename, fsync of the directory.
 */
export function localStorage(root: string): Storage {
  function pathOf(area: Area, key: string): string {
    if (!isKey(key)) throw new NotStoredError('malformed key');
    return join(root, area, key);
  }

  return {
    ...temporaryDirectories(root),

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

    async *list(area, directory) {
      yield await listDirectory(join(root, area), directory);
    },

    publicUrl: () => undefined,
  };
}

/** One directory holds a 256th of all files: one page. */
async function listDirectory(root: string, directory: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for (const name of await readdir(join(root, directory)).catch(() => [])) {
    const key = `${directory}/${name}`;
    if (!isKey(key)) continue;
    const stats = await stat(join(root, key)).catch(() => undefined);
    if (stats?.isFile()) files.push({ key, bytes: stats.size, modifiedAt: stats.mtime });
  }
  return files;
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function orNotStored(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new NotStoredError('no such file');
  throw error;
}
