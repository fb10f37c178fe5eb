import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isKept } from '../plan/media-files.ts';
import { Failure } from '../report/failure.ts';

/** What lies below uploads/ and cannot be part of a backup. */
export interface SkippedMedia {
  path: string;
  why: string;
}

/**
 * Every regular file below uploads/ but the temporary ones, as a path with slashes; links are not followed.
 * @param skip is told of everything else
 * @throws Failure when there is no such directory
 */
export async function* walkMedia(
  uploads: string,
  skip: (skipped: SkippedMedia) => void,
): AsyncGenerator<string> {
  const entries = await readdir(uploads, { withFileTypes: true }).catch((error: Error) => {
    // An empty list would make a backup of no photos out of a disk that is not mounted.
    throw new Failure(`photos cannot be read: ${error.message}`, {
      next: `mount or create ${uploads} (make deploy does), then run the same command again`,
    });
  });
  yield* walk(
    uploads,
    '',
    entries.filter(({ name }) => isKept(name)),
    skip,
  );
}

async function* walk(
  uploads: string,
  parent: string,
  entries: Dirent[],
  skip: (skipped: SkippedMedia) => void,
): AsyncGenerator<string> {
  for (const entry of entries) {
    const file = `${parent}${entry.name}`;
    const why = findObstacle(entry);
    if (why) skip({ path: file, why });
    else if (entry.isFile()) yield file;
    else yield* walk(uploads, `${file}/`, await list(path.join(uploads, file)), skip);
  }
}

function findObstacle(entry: Dirent): string | undefined {
  // Read as text, such a name leads nowhere.
  if (entry.name.includes('\uFFFD')) return 'its name is not UTF-8';
  if (entry.isSymbolicLink()) return 'a symbolic link';
  return entry.isFile() || entry.isDirectory() ? undefined : 'no regular file';
}

/** One that vanished since is empty. */
async function list(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
