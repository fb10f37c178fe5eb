import { randomInt } from 'node:crypto';
import type { MediaFile } from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { type Content, hashFile } from './copy-hashed.ts';
import { locateObject } from './media-objects.ts';

/** A photo of a backup that could not be restored. */
export interface MediaDamage {
  path: string;
  /** Path of the object. Removed, it is copied anew by the next backup if its photo is still in uploads/. */
  object: string;
  why: string;
}

/**
 * Reads objects of the store and compares them with the list.
 * @param sample read only so many, chosen by chance; without it all
 * @returns one for each path whose object is not what the list says; none when all is well
 */
export async function findMediaDamage(
  files: readonly MediaFile[],
  backups: string,
  { sample }: { sample?: number } = {},
): Promise<MediaDamage[]> {
  const byHash = new Map<string, MediaFile[]>();
  for (const file of files) byHash.set(file.sha256, [...(byHash.get(file.sha256) ?? []), file]);
  const hashes = sample === undefined ? [...byHash.keys()] : choose([...byHash.keys()], sample);
  const damage: MediaDamage[] = [];
  for (const sha256 of hashes) {
    const object = locateObject(backups, sha256);
    const content = await hashFile(object);
    for (const file of byHash.get(sha256) ?? []) {
      const why = explainDamage(file, content);
      if (why) damage.push({ path: file.path, object, why });
    }
  }
  return damage;
}

/** @returns undefined when the content is that of the file */
export function explainDamage({ bytes, sha256 }: MediaFile, content: Content | null): string | undefined {
  if (!content) return 'the object is gone';
  if (content.bytes !== bytes) return `the object has ${content.bytes} bytes, not ${bytes}`;
  return content.sha256 === sha256 ? undefined : `the object's SHA-256 is ${content.sha256}`;
}

/** The first `count` of a shuffle (Fisher and Yates) of a copy: each as likely as any other. */
export function choose<T>(all: readonly T[], count: number): T[] {
  const items = [...all];
  const chosen = Math.min(count, items.length);
  for (let n = 0; n < chosen; n += 1) {
    const other = randomInt(n, items.length);
    [items[n], items[other]] = [items[other] as T, items[n] as T];
  }
  return items.slice(0, chosen);
}

/** @throws Failure naming the first of them, when there are any */
export function refuseDamage(damage: readonly MediaDamage[]): void {
  if (damage.length === 0) return;
  throw new Failure(`${damage.length} of the photo files that were read are damaged`, {
    log: formatMediaDamage(damage),
  });
}

/** The first lines of a list of damage, for a failure. */
export function formatMediaDamage(damage: readonly MediaDamage[]): string {
  return damage
    .slice(0, 15)
    .map(({ path, object, why }) => `${path}: ${why}: ${object}`)
    .join('\n');
}
