import type { Readable } from 'node:stream';
import type { Area } from './keys.ts';

/** There is no file under that key, or the key is not a key. */
export class NotStoredError extends Error {
  override name = 'NotStoredError';
}

/** The storage cannot be asked now: it is away, too slow, or refuses us. Trying again later may help. */
export class StorageAwayError extends Error {
  override name = 'StorageAwayError';
}

/** An open file: its size in bytes and its content. The stream must be read or destroyed. */
export interface StoredFile {
  bytes: number;
  stream: Readable;
}

/** A file as a listing shows it. */
export interface ListedFile {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

/**
 * Where originals and variants are kept. Keys come from keys.ts; any other key is an error. A storage that is
 * elsewhere answers {StorageAwayError} within bounded time when it does not work.
 */
export interface Storage {
  /** Calls `work` with an empty directory of its own and removes that with all its content afterwards. */
  withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T>;

  /**
   * Makes a finished file of a temporary directory durable and visible under `key`, whole or not at all. The
   * file at `temporaryPath` is the storage's from then on.
   */
  store(area: Area, key: string, temporaryPath: string): Promise<void>;

  /** @throws {NotStoredError} */
  open(area: Area, key: string): Promise<StoredFile>;

  /** Calls `work` with a path at which the file can be read meanwhile. @throws {NotStoredError} */
  withLocalFile<T>(area: Area, key: string, work: (path: string) => Promise<T>): Promise<T>;

  /** Removes a file. One that is not there is fine: the wish is fulfilled. */
  remove(area: Area, key: string): Promise<void>;

  /** The files whose keys begin with `<directory>/`, page by page. What has no key's name is not ours: left out. */
  list(area: Area, directory: string): AsyncIterable<ListedFile[]>;

  /** Where the public finds a variant without asking the service; undefined when it is only under /media/. */
  publicUrl(key: string): string | undefined;

  /** Removes temporary directories that a killed process left behind. */
  removeLeftovers(olderThanSeconds: number): Promise<void>;
}
