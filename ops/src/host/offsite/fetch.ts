import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parsePiece } from '../../plan/offsite.ts';
import { Failure } from '../../report/failure.ts';
import type { Decrypt } from './age.ts';
import type { Bucket } from './bucket.ts';

const PARALLEL = 4;

/** A file that lies in the bucket in one piece or several. */
export interface RemoteFile {
  key: string;
  objects: string[];
}

/**
 * The files that objects make up.
 * @throws Failure naming the first of which a piece is missing
 */
export function joinPieces(objects: readonly string[]): RemoteFile[] {
  const files = new Map<string, { objects: string[]; count: number }>();
  for (const object of [...objects].sort()) {
    const piece = parsePiece(object);
    if (!piece) continue;
    const known = files.get(piece.key) ?? { objects: [], count: piece.count };
    // What takes several pieces never changes once it has its name.
    if (known.count !== piece.count) throw new Failure(`the bucket has ${piece.key} in two sizes`);
    known.objects.push(object);
    files.set(piece.key, known);
  }
  return [...files].map(([key, { objects: parts, count }]) => {
    if (parts.length !== count)
      throw new Failure(`the bucket has ${parts.length} of ${count} pieces of ${key}`);
    return { key, objects: parts };
  });
}

/** One file, decrypted, whole in memory: for small ones. @throws Failure */
export async function fetchContent(
  bucket: Bucket,
  decrypt: Decrypt,
  { objects }: RemoteFile,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (const object of objects) pieces.push(await decrypt(await bucket.get(object)));
  return Buffer.concat(pieces);
}

/**
 * Fetches files and decrypts them, several at a time, a piece in memory for each.
 * @param place where a file goes; null leaves it out. What ends in .gz there is unpacked and loses that
 * @throws Failure with the first that fails
 */
export async function fetchFiles(
  bucket: Bucket,
  decrypt: Decrypt,
  files: readonly RemoteFile[],
  place: (key: string) => string | null,
  progress: (text: string) => void = () => {},
): Promise<void> {
  const waiting = [...files];
  let done = 0;
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const target = place(file.key);
      try {
        if (target) await fetchOne(bucket, decrypt, file, target);
      } catch (error) {
        waiting.length = 0; // the others end what they have begun
        throw error;
      }
      done += 1;
      progress(`${done} of ${files.length}`);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL }, work));
  // Only now, when nobody writes any more: whoever called may want to take away what there is.
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

async function fetchOne(bucket: Bucket, decrypt: Decrypt, file: RemoteFile, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
  const isPacked = file.key.endsWith('.gz');
  const handle = await open(target, 'w', 0o600);
  try {
    for (const object of file.objects) {
      const content = await decrypt(await bucket.get(object));
      await handle.writeFile(isPacked ? await promisify(gunzip)(content) : content);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}
