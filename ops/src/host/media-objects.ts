import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { MEDIA_STORE } from '../plan/backups.ts';
import { objectPath } from '../plan/media-files.ts';
import { type Content, copyHashed, explainWrite } from './copy-hashed.ts';

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
      const temporary = path.join(store, `.${process.pid}-${randomBytes(6).toString('hex')}.partial`);
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

/** Makes the names in a directory survive a crash of the machine. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
