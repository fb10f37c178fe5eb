import { randomBytes } from 'node:crypto';

/** Where media live. Originals are never public; what is under variants is served as it is. */
export type Area = 'originals' | 'variants';

/** Both of them. */
export const AREAS: readonly Area[] = ['originals', 'variants'];

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

/** What an original and its variants have in common: their key without width and extension. */
export function originalStem(key: string): string {
  return key.replace(/(-\d+)?\.[a-z]+$/, '');
}

/** The directories that keys begin with, `00` to `ff`: what walks over all files does so one of these at a time. */
export const DIRECTORIES = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
};

/** The media type that a key's extension stands for. */
export function contentTypeOf(key: string): string {
  return TYPES[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}
