import type { Knex } from 'knex';
import type { Photo } from './photos.ts';

/** The files that one row names. */
export interface NamedFiles {
  id: number;
  state: Photo['state'];
  originalKey: string;
  /** SHA-256 of the original, in hexadecimal. */
  sha256: string;
  variantKeys: string[];
}

/** The files of photos with ids above `afterId`, by id. */
export async function filesAfter(db: Knex, afterId: number, limit: number): Promise<NamedFiles[]> {
  return toFiles(await select(db).where('id', '>', afterId).orderBy('id').limit(limit));
}

/** The files of all photos whose keys begin with `<directory>/`; variants are where their original is. */
export async function filesIn(db: Knex, directory: string): Promise<NamedFiles[]> {
  // The index photos_directory is on this very expression.
  return toFiles(await select(db).whereRaw('left(original_key, 2) = ?', [directory]));
}

function select(db: Knex): Knex.QueryBuilder {
  return db('photos').select('id', 'state', 'original_key', 'sha256', 'variants');
}

interface FilesRow {
  id: string;
  state: Photo['state'];
  original_key: string;
  sha256: string;
  variants: { key: string }[];
}

function toFiles(rows: FilesRow[]): NamedFiles[] {
  return rows.map(({ id, state, original_key, sha256, variants }) => ({
    ...{ state, sha256 },
    id: Number(id),
    originalKey: original_key,
    variantKeys: variants.map(({ key }) => key),
  }));
}
