import { createHash } from 'node:crypto';

/** Numbers from 0 to 1 that look random and are the same for the same text, on every machine. */
export function randomFrom(text: string): () => number {
  let digest = createHash('sha256').update(text).digest();
  let at = 0;
  return () => {
    if (at + 4 > digest.length) {
      digest = createHash('sha256').update(digest).digest();
      at = 0;
    }
    at += 4;
    return digest.readUInt32BE(at - 4) / 2 ** 32;
  };
}
