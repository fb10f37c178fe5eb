import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { MEDIA_STORE } from '../plan/backups.ts';
import { isHash, objectPath } from '../plan/media-files.ts';
import { type Content, copyHashed, explainWrite } from './copy-hashed.ts';
import { syncDirectory } from './files.ts';

/** End of the name of what is not yet an object. */
const LEFTOVER = '.partial';

/** Where a backups directory has the bytes with a hash. */
export function locateObject(backups: string, sha256: string): string {
  return path.join(backups, MEDIA_STORE, objectPath(sha256));
}

/** Whether the store has an object of that size under that hash. What it holds is not read. */
export async function hasObject(backups: string, { bytes, sha256 }: Content): Promise<boolean> {
  const found = await lstat(locateObject(backups, sha256)).catch(() => null);
  return found?.isFile() === true && found.size === bytes;
}

/** Takes bytes in under their hash. Names are on the disk only after `flush`. */
export function openStore(backups: string) {
  const store = path.join(backups, MEDIA_STORE);
  const changed = new Set<string>();

  async function makeDirectory(directory: string): Promise<void> {
    const created = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (created) changed.add(path.dirname(created)).add(path.dirname(directory));
  }

  return {
    /** Copies a file in unless its bytes are there already. @throws Failure when the disk is full, leaving nothing */
    async add(source: FileHandle): Promise<Content & { isNew: boolean }> {
      const temporary = path.join(store, `.${process.pid}-${randomBytes(6).toString('hex')}${LEFTOVER}`);
      try {
        await makeDirectory(store);
        const content = await copyHashed(source, temporary, 0o400);
        const isNew = !(await hasObject(backups, content));
        const target = locateObject(backups, content.sha256);
        if (isNew) {
          await makeDirectory(path.dirname(target));
          await rename(temporary, target);
          changed.add(path.dirname(target));
        }
        return { ...content, isNew };
      } catch (error) {
        return explainWrite(error, temporary);
      } finally {
        await rm(temporary, { force: true });
      }
    },

    /** After it a crash of the machine loses none of what was added. */
    async flush(): Promise<void> {
      for (const directory of changed) await syncDirectory(directory);
      changed.clear();
    },
  };
}

/** Every object of the store, a directory at a time; its content is not read. */
export async function* listObjects(backups: string): AsyncGenerator<Content> {
  const store = path.join(backups, MEDIA_STORE);
  for (const directory of await namesIn(store)) {
    for (const name of await namesIn(path.join(store, directory))) {
      if (!isHash(name) || objectPath(name) !== `${directory}/${name}`) continue;
      const { size } = await lstat(path.join(store, directory, name));
      yield { sha256: name, bytes: size };
    }
  }
}

// A copy takes minutes at most; the lock of the verbs is one more reason that nobody writes them.
const LEFTOVER_MILLISECONDS = 24 * 3600 * 1000;

/**
 * Removes the objects that no kept backup needs, and what killed copies left behind a day ago or earlier. The
 * caller holds the lock: a backup that is being made has objects and no list yet.
 * @param keep the hashes in the lists of ALL backups that stay; when one list cannot be read, do not call this
 * @returns how many files went, and how many bytes with them
 */
export async function pruneObjects(
  backups: string,
  keep: ReadonlySet<string>,
  now: Date = new Date(),
): Promise<{ removed: number; bytes: number }> {
  const pruned = { removed: 0, bytes: 0 };
  async function remove(file: string, bytes: number): Promise<void> {
    await rm(file);
    pruned.removed += 1;
    pruned.bytes += bytes;
  }
  for await (const { sha256, bytes } of listObjects(backups))
    if (!keep.has(sha256)) await remove(locateObject(backups, sha256), bytes);
  const store = path.join(backups, MEDIA_STORE);
  for (const name of await namesIn(store)) {
    const { size, mtimeMs } = await lstat(path.join(store, name));
    const isOld = now.getTime() - mtimeMs > LEFTOVER_MILLISECONDS;
    if (name.endsWith(LEFTOVER) && isOld) await remove(path.join(store, name), size);
  }
  return pruned;
}

/** None where there is no such directory. */
async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
