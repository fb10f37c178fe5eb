import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { type BackupFile, MEDIA_LIST, type MediaFile } from '../plan/backups.ts';
import { formatMediaLine, parseMediaLine, sortByPath } from '../plan/media-files.ts';
import { Failure } from '../report/failure.ts';
import { explainWrite, openRegular } from './copy-hashed.ts';
import { hasObject, openStore } from './media-objects.ts';
import { type SkippedMedia, walkMedia } from './media-walk.ts';

export interface MediaSource {
  uploads: string;
  /** Directory of all backups, with the store in it. */
  backups: string;
  /** List of the latest backup. */
  previous: readonly MediaFile[];
  /** What an earlier pass of this backup found. */
  known: readonly MediaFile[];
}

export interface Collected {
  files: MediaFile[];
  /** Of these, how many were not in the store yet. */
  copiedFiles: number;
  copiedBytes: number;
  /** Links and other things that are no files: not followed, not kept. */
  skipped: SkippedMedia[];
}

/**
 * Takes every photo into the store and says which they are. A file with the path, size and time of change that
 * `known` or `previous` has is not read, as long as its object is there. Afterwards all of it is on the disk.
 * One that vanishes meanwhile is not in the list.
 * @throws Failure when the disk is full, when there is no uploads/, or for a file that does not stop changing
 */
export async function collectMedia({ uploads, backups, previous, known }: MediaSource): Promise<Collected> {
  const store = openStore(backups);
  const earlier = [known, previous].map((files) => new Map(files.map((file) => [file.path, file])));
  const collected: Collected = { files: [], copiedFiles: 0, copiedBytes: 0, skipped: [] };
  const skip = (skipped: SkippedMedia) => collected.skipped.push(skipped);
  for await (const file of walkMedia(uploads, skip)) {
    const place = path.join(uploads, file);
    const unchanged = await findUnchanged(place, file, backups, earlier);
    if (unchanged) {
      collected.files.push(unchanged);
      continue;
    }
    const taken = await takeIn(store, place, file);
    if (!taken) continue;
    const { isNew, ...found } = taken;
    collected.files.push(found);
    if (!isNew) continue;
    collected.copiedFiles += 1;
    collected.copiedBytes += found.bytes;
  }
  await store.flush();
  return collected;
}

async function findUnchanged(
  place: string,
  file: string,
  backups: string,
  earlier: readonly Map<string, MediaFile>[],
): Promise<MediaFile | undefined> {
  const candidates = earlier.map((files) => files.get(file)).filter((was) => was !== undefined);
  if (candidates.length === 0) return undefined;
  const stats = await lstat(place).catch(() => null);
  if (!stats?.isFile()) return undefined;
  for (const was of candidates)
    if (was.bytes === stats.size && was.mtime === toMtime(stats) && (await hasObject(backups, was)))
      return was;
  return undefined;
}

/** @returns null when it has vanished  @throws Failure when it changes while it is read, three times */
async function takeIn(store: ReturnType<typeof openStore>, place: string, file: string) {
  const source = await openRegular(place);
  if (!source) return null;
  try {
    // The service never writes into a photo, but an operator's tool may: halves of two are no photo.
    for (let tries = 0; tries < 3; tries += 1) {
      const before = await source.stat();
      const { isNew, bytes, sha256 } = await store.add(source);
      const after = await source.stat();
      if (before.mtimeMs === after.mtimeMs && bytes === after.size)
        return { path: file, bytes, mtime: toMtime(after), sha256, isNew };
    }
  } finally {
    await source.close();
  }
  throw new Failure(`${file} changes while it is read`, {
    next: 'find out what writes into photos (the service never does), stop it, then run the same command again',
  });
}

/** Whole milliseconds: what utimes can set again exactly. */
export function toMtime({ mtimeMs }: Stats): number {
  return Math.round(mtimeMs);
}

const LINES_AT_ONCE = 1000;

/** Writes a backup's list of photos, by path, mode 600, synced. @param target a new file */
export async function writeMediaList(files: readonly MediaFile[], target: string): Promise<BackupFile> {
  const lines = sortByPath(files).map((file) => `${formatMediaLine(file)}\n`);
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(target, 'wx', 0o600).catch((error) => explainWrite(error, target));
  try {
    for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
      const piece = Buffer.from(lines.slice(start, start + LINES_AT_ONCE).join(''));
      hash.update(piece);
      bytes += piece.length;
      await handle.appendFile(piece);
    }
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(target, { force: true });
    return explainWrite(error, target);
  }
  return { name: path.basename(target), bytes, sha256: hash.digest('hex') };
}

/**
 * Reads a backup's list of photos and believes no line of it.
 * @param directory of the backup
 * @throws Failure naming the first line that is not one, or is not after the one before it
 */
export async function readMediaList(directory: string): Promise<MediaFile[]> {
  const list = path.join(directory, MEDIA_LIST);
  const files: MediaFile[] = [];
  for await (const line of readLines(list)) {
    const file = parseMediaLine(line);
    const last = files.at(-1);
    if (file && (!last || last.path < file.path)) files.push(file);
    else
      throw new Failure(`line ${files.length + 1} of ${list} is damaged`, {
        state: 'nothing was changed',
        next: 'use another backup: make backups',
      });
  }
  return files;
}

/** Not readline: it ends lines at U+2028 too, which JSON leaves in names. What follows the last end counts as a line. */
async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw new Failure(`the list of photos cannot be read: ${(error as Error).message}`, {
      state: 'nothing was changed',
      next: 'use another backup: make backups',
    });
  }
  if (rest) yield rest;
}
