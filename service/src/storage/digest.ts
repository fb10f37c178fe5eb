import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/** How much a file or stream holds, and the SHA-256 of it in hexadecimal. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** Reads a stream to its end. @throws what the stream throws. */
export async function digestStream(stream: Readable): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Reads a file to its end, a piece at a time. */
export function digestFile(path: string): Promise<Digest> {
  return digestStream(createReadStream(path));
}
