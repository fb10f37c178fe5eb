import type { Knex } from 'knex';
import { filesIn, type NamedFiles } from '../db/photo-files.ts';
import { AREAS, DIRECTORIES } from '../storage/keys.ts';
import type { Storage } from '../storage/storage.ts';
import { filesOf, nameOf } from './file-names.ts';

/** A file that a photo's row names and that is not there, or not in the size that the row knows. */
export interface MissingFile {
  /** The photo's id. */
  id: number;
  /** With its area: `originals/3f/3f9c….jpg`. */
  key: string;
}

/**
 * Looks for the file of every original, in whatever state its photo is, and of every variant, a 256th at a time. Reads
 * names and sizes, no content.
 * @throws {StorageAwayError}
 */
export async function findMissingFiles(
  db: Knex,
  storage: Storage,
): Promise<{ photos: number; missing: MissingFile[] }> {
  const missing: MissingFile[] = [];
  let photos = 0;
  for (const directory of DIRECTORIES) {
    const rows = await filesIn(db, directory);
    photos += rows.length;
    // Nothing is asked of a bucket about directories that no row names.
    if (rows.length === 0) continue;
    const found = await listSizes(storage, directory);
    const suspects = missingOf(rows, found);
    if (suspects.length === 0) continue;
    // A photo may have been deleted, with its files, while they were listed.
    const still = new Set((await filesIn(db, directory)).map(({ id }) => id));
    missing.push(...suspects.filter(({ id }) => still.has(id)));
  }
  return { photos, missing };
}

/** Size in bytes of every file of one directory, by its name. */
async function listSizes(storage: Storage, directory: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const area of AREAS)
    for await (const page of storage.list(area, directory))
      for (const { key, bytes } of page) sizes.set(nameOf({ area, key }), bytes);
  return sizes;
}

function missingOf(rows: NamedFiles[], sizes: Map<string, number>): MissingFile[] {
  return rows.flatMap((row) => {
    const expected = [row.bytes, ...row.variants.map(({ bytes }) => bytes)];
    return filesOf(row)
      .map(nameOf)
      .filter((name, index) => sizes.get(name) !== expected[index])
      .map((key) => ({ id: row.id, key }));
  });
}
