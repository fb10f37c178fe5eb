import type { Knex } from 'knex';
import type { Photo, Variant } from './photos.ts';

/** The files that one row names. */
export interface NamedFiles {
  id: number;
  state: Photo['state'];
  originalKey: string;
  /** Size of the original in bytes. */
  bytes: number;
  /** SHA-256 of the original, in hexadecimal. */
  sha256: string;
  variants: Pick<Variant, 'key' | 'bytes'>[];
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
  return db('photos').select('id', 'state', 'original_key', 'bytes', 'sha256', 'variants');
}

interface FilesRow {
  id: string;
  state: Photo['state'];
  original_key: string;
  bytes: string;
  sha256: string;
  variants: Variant[];
}

function toFiles(rows: FilesRow[]): NamedFiles[] {
  return rows.map(({ id, state, original_key, bytes, sha256, variants }) => ({
    ...{ state, sha256, variants },
    id: Number(id),
    originalKey: original_key,
    bytes: Number(bytes),
  }));
}
