import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '../report/failure.ts';

const PIECE_BYTES = 1 << 20;

export interface Content {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/**
 * Opens a regular file to read it, never through a link. A pipe that took its name meanwhile does not block.
 * @returns null when it is gone or no regular file any more
 */
export async function openRegular(file: string): Promise<FileHandle | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(error.code ?? '')) return null;
    throw error;
  });
  if (!handle || (await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}

/** Reads a regular file to its end, a piece at a time. @returns null when it is not there */
export async function hashFile(file: string): Promise<Content | null> {
  const source = await openRegular(file);
  try {
    return source && (await readPieces(source, async () => {}));
  } finally {
    await source?.close();
  }
}

/**
 * Copies to a new file and hashes what it writes, a piece at a time; synced. It shares no block with its source: a
 * link would share its damage and its changes.
 * @param mode of the new file, whatever the umask takes away
 * @param prepare gives it what else it needs (owner, time) before it is synced
 * @throws Failure when the disk is full; the caller removes what there is of the new file
 */
export async function copyHashed(
  source: FileHandle,
  target: string,
  mode: number,
  prepare: (copy: FileHandle) => Promise<void> = async () => {},
): Promise<Content> {
  const copy = await open(target, 'wx', mode).catch((error) => explainWrite(error, target));
  try {
    const content = await readPieces(source, (piece) => writeWhole(copy, piece));
    await prepare(copy);
    await copy.sync();
    await copy.close();
    return content;
  } catch (error) {
    await copy.close().catch(() => {});
    return explainWrite(error, target);
  }
}

async function readPieces(source: FileHandle, use: (piece: Buffer) => Promise<void>): Promise<Content> {
  const hash: Hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, PIECE_BYTES, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await use(piece);
    bytes += bytesRead;
  }
}

/** One write may take only a part. */
async function writeWhole(target: FileHandle, piece: Buffer): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await target.write(piece, done);
    done += bytesWritten;
  }
}

/** @throws Failure for a disk that is full or read-only; anything else as it is */
export function explainWrite(error: unknown, target: string): never {
  const reasons: Record<string, string> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    EROFS: 'the file system is read-only',
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  if (!reason) throw error;
  throw new Failure(`${reason} where ${path.dirname(target)} lies`, {
    log: (error as Error).message,
    next: `df -h '${path.dirname(target)}'; df -i '${path.dirname(target)}'; make room there, then run the same command again`,
  });
}
