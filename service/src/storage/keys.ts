import { randomBytes } from 'node:crypto';

/** Where media live. Originals are never public; what is under variants is served as it is. */
export type Area = 'originals' | 'variants';

// Two levels at most, no dots but the extension's: nothing in it can climb out of a directory.
const KEY = /^[0-9a-f]{2}\/[0-9a-z-]{1,80}\.[a-z]{3,4}$/;

/** Whether a string can be a key at all. Everything that touches files asks this first. */
export function isKey(key: string): boolean {
  return KEY.test(key);
}

/** A new, unguessable key such as `3f/3f9c….jpg`; the first two digits spread files over directories. */
export function newOriginalKey(extension: string): string {
  const id = randomBytes(16).toString('hex');
  return `${id.slice(0, 2)}/${id}.${extension}`;
}

/** The key of one width of an original: always the same, so that doing the work twice overwrites alike. */
export function variantKey(originalKey: string, width: number): string {
  return `${originalKey.replace(/\.[a-z]+$/, '')}-${width}.webp`;
}
