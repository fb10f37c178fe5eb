import type { MediaFile } from './backups.ts';

/** Beside the photos: what a restore took out of their place. The service and nginx look only below their own areas. */
export const KEPT_ASIDE = '.before-';
/** Where the service writes what is not yet a photo (service/src/storage/temporary.ts). */
export const TEMPORARY = 'tmp';

/** Whether an entry directly below uploads/ is part of a backup. */
export function isKept(name: string): boolean {
  return name !== TEMPORARY && !name.startsWith(KEPT_ASIDE);
}

/** Where the bytes with a hash lie below the store: 256 directories, so that none gets too long. */
export function objectPath(sha256: string): string {
  return `${sha256.slice(0, 2)}/${sha256}`;
}

/** The union of two passes over the same directory, by path; the second knows better. */
export function mergeMedia(first: readonly MediaFile[], second: readonly MediaFile[]): MediaFile[] {
  return [...new Map([...first, ...second].map((file) => [file.path, file])).values()];
}

/** By code units: the same order on every machine and in every locale. */
export function sortByPath(files: readonly MediaFile[]): MediaFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

/** One line of a list, without its end. JSON writes the line breaks of a name as \n. */
export function formatMediaLine({ path, bytes, mtime, sha256 }: MediaFile): string {
  return JSON.stringify({ path, bytes, mtime, sha256 });
}

/** @returns null for anything but a whole line, and for a path that leads out of uploads/ */
export function parseMediaLine(line: string): MediaFile | null {
  let value: Partial<Record<keyof MediaFile, unknown>> | null;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const { path, bytes, mtime, sha256 } = value ?? {};
  if (!isInside(path) || !isWhole(bytes) || !Number.isSafeInteger(mtime) || !isHash(sha256)) return null;
  return { path, bytes, mtime: Number(mtime), sha256 };
}

function isInside(path: unknown): path is string {
  if (typeof path !== 'string' || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether it is a SHA-256 in hexadecimal, as names of objects are. */
export function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
