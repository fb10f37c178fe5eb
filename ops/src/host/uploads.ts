import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { TEMPORARY } from '../plan/media-files.ts';
import { Failure } from '../report/failure.ts';
import { explainWrite } from './copy-hashed.ts';
import { syncDirectory } from './files.ts';

// As the service makes them (service/src/storage/local.ts).
const DIRECTORY_MODE = 0o750;

export type Uploads = Awaited<ReturnType<typeof openUploads>>;

/**
 * Writes below uploads/ as its owner would, but never through a link: the container could lay one there, and this
 * runs as root.
 * @param asideName directory below uploads/ for what is in the way of a photo; made when it is needed, and another
 * name is taken when there is one
 * @throws Failure when there is no uploads/
 */
export async function openUploads(uploads: string, asideName: string) {
  const owner = await stat(uploads).catch((error: Error) => {
    throw new Failure(`photos cannot be restored: ${error.message}`, {
      state: 'no photo was changed',
      next: `mount or create ${uploads} (make deploy does), then run the same command again`,
    });
  });
  const real = await realpath(uploads);
  const ready = new Set(['', '.']);
  const changed = new Set<string>();
  const kept: { count: number; aside: string | null } = { count: 0, aside: null };

  async function keepAside(file: string): Promise<void> {
    kept.aside ??= await makeFresh(path.join(uploads, asideName));
    const target = path.join(kept.aside, file);
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    await rename(path.join(uploads, file), target);
    await syncDirectory(path.dirname(target));
    kept.count += 1;
  }

  async function prepareDirectory(directory: string): Promise<void> {
    if (ready.has(directory)) return;
    await prepareDirectory(path.dirname(directory));
    const place = path.join(uploads, directory);
    const found = await lstat(place).catch(orNull);
    if (found && !found.isDirectory()) await keepAside(directory);
    if (!found?.isDirectory()) {
      await mkdir(place).catch((error) => explainWrite(error, place));
      changed.add(path.dirname(place));
    }
    // Also one that is there: a kill may have come between the two.
    await handOver(place, owner);
    ready.add(directory);
  }

  return {
    owner,

    /** Where a file is or will be; null when the way to it is not one of real directories yet. */
    async locate(file: string): Promise<string | null> {
      const place = path.join(real, file);
      const directory = await realpath(path.dirname(place)).catch(() => null);
      return directory === path.dirname(place) ? place : null;
    },

    kept,

    /** Among the service's own: it sweeps what a kill leaves there, and no backup takes it for a photo. */
    async nameTemporary(): Promise<string> {
      await prepareDirectory(TEMPORARY);
      return path.join(uploads, TEMPORARY, randomUUID());
    },

    /** Gives a finished file its name; what has that name now is kept aside. */
    async put(temporary: string, file: string): Promise<void> {
      await prepareDirectory(path.dirname(file));
      const place = path.join(uploads, file);
      if (await lstat(place).catch(orNull)) await keepAside(file);
      await rename(temporary, place);
      changed.add(path.dirname(place));
    },

    async flush(): Promise<void> {
      for (const directory of changed) await syncDirectory(directory);
    },
  };
}

async function handOver(directory: string, { uid, gid }: Stats): Promise<void> {
  const handle = await open(directory, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(DIRECTORY_MODE);
    if (process.getuid?.() === 0) await handle.chown(uid, gid);
  } finally {
    await handle.close();
  }
}

/** Its own, whoever had that name: an earlier restore of the same second, or a link that leads elsewhere. */
async function makeFresh(directory: string): Promise<string> {
  for (let n = 0; ; n += 1) {
    const name = n === 0 ? directory : `${directory}.${n}`;
    const isMade = await mkdir(name, { mode: 0o700 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') explainWrite(error, name);
        return false;
      },
    );
    if (isMade) return name;
  }
}

function orNull(error: NodeJS.ErrnoException): Stats | null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
