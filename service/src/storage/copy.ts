import { copyFile as copyLocalFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestFile, digestStream } from './digest.ts';
import type { Area } from './keys.ts';
import type { S3Storage } from './s3.ts';
import { NotStoredError, type Storage, StorageAwayError } from './storage.ts';

/** What became of one file; `bytes` counts only what was copied. */
export interface CopyOutcome {
  what: 'copied' | 'there' | 'missing' | 'damaged on the disk' | 'damaged in the bucket';
  bytes: number;
}

interface Copy {
  from: Storage;
  to: S3Storage;
  dryRun: boolean;
  verify: boolean;
}

/**
 * Copies one file from the disk to the bucket and reads it back. What the bucket has with the same size and SHA-256 is
 * there already; with `verify` that is read back too, and copied again when it is damaged.
 * @param sha256 what the content must be, where a row knows it.
 * @throws {StorageAwayError}
 */
export async function copyFile(copy: Copy, area: Area, key: string, sha256?: string): Promise<CopyOutcome> {
  const noted = await copy.to.describe(area, key);
  const local = await digestLocal(copy.from, area, key);
  if (local && sha256 && local.sha256 !== sha256) return { what: 'damaged on the disk', bytes: 0 };
  if (await isThere(copy, area, key, noted, local, sha256)) return { what: 'there', bytes: 0 };
  if (!local) return { what: noted ? 'damaged in the bucket' : 'missing', bytes: 0 };
  if (copy.dryRun) return { what: 'copied', bytes: local.bytes };
  await store(copy, area, key);
  if (isSame(await readBack(copy.to, area, key), local)) return { what: 'copied', bytes: local.bytes };
  // Gone rather than wrong: another run must not take it for good.
  await copy.to.remove(area, key);
  return { what: 'damaged in the bucket', bytes: 0 };
}

/** A file that is only in the bucket was made since the service moved there: its row or its own note is the measure. */
async function isThere(
  { to, verify }: Copy,
  area: Area,
  key: string,
  noted: Partial<Digest> | undefined,
  local: Digest | undefined,
  sha256: string | undefined,
): Promise<boolean> {
  if (!noted) return false;
  const wanted = local ?? { ...noted, ...(sha256 ? { sha256 } : {}) };
  if (!isSame(noted, wanted)) return false;
  return !verify || isSame(await readBack(to, area, key), wanted);
}

function isSame(one: Partial<Digest> | undefined, other: Partial<Digest>): boolean {
  return one?.bytes === other.bytes && one?.sha256 === other.sha256;
}

async function digestLocal(from: Storage, area: Area, key: string): Promise<Digest | undefined> {
  try {
    return await from.withLocalFile(area, key, digestFile);
  } catch (error) {
    if (error instanceof NotStoredError) return undefined;
    throw error;
  }
}

/** The digest of what the bucket sends. */
async function readBack(to: Storage, area: Area, key: string): Promise<Digest> {
  const { stream } = await to.open(area, key);
  return digestStream(stream).catch((error) => {
    throw new StorageAwayError(`the bucket does not send ${area}/${key} back: ${error.message}`);
  });
}

/** The storage takes what it is given, so it is given a copy. */
async function store({ from, to }: Copy, area: Area, key: string): Promise<void> {
  await to.withTemporaryDirectory(async (directory) => {
    const path = join(directory, 'file');
    await from.withLocalFile(area, key, (local) => copyLocalFile(local, path));
    await to.store(area, key, path);
  });
}
