import type { Knex } from 'knex';
import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import { filesAfter, type NamedFiles } from './db/photo-files.ts';
import { bucketSettings } from './media-storage.ts';
import { type CopyOutcome, copyFile } from './storage/copy.ts';
import type { Area } from './storage/keys.ts';
import { localStorage } from './storage/local.ts';
import { type S3Storage, s3Storage } from './storage/s3.ts';
import { NotStoredError, type Storage, StorageAwayError } from './storage/storage.ts';

const BATCH = 100;

interface Work {
  db: Knex;
  from: Storage;
  to: S3Storage;
  dryRun: boolean;
  /** Reads back also what an earlier run has copied. */
  verify: boolean;
}

interface Totals {
  copied: number;
  there: number;
  bytes: number;
  problems: number;
}

/**
 * `media copy [--dry-run] [--verify]`, given the flags: copies every file that rows name from the local disk to the bucket, and reads
 * each back. May be interrupted and run again. The result on stdout, progress and bad files on stderr.
 * @throws {UsageError} for bad configuration.
 */
export async function copyMedia(flags: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig('media', env);
  const db = openDatabase({ url: config.DATABASE_URL, name: 'media' });
  const from = localStorage(config.UPLOADS_DIR);
  const to = s3Storage(bucketSettings(config), config.UPLOADS_DIR);
  const work = { db, from, to, dryRun: flags.includes('--dry-run'), verify: flags.includes('--verify') };
  try {
    return await copyAll(work);
  } catch (error) {
    if (!(error instanceof StorageAwayError)) throw error;
    process.stderr.write(`${error.message}\nRun it again: it goes on where it stopped.\n`);
    return 1;
  } finally {
    await db.destroy();
  }
}

async function copyAll(work: Work): Promise<number> {
  const totals: Totals = { copied: 0, there: 0, bytes: 0, problems: 0 };
  let photos = 0;
  for (let lastId = 0; ; ) {
    const batch = await filesAfter(work.db, lastId, BATCH);
    for (const photo of batch) await copyPhoto(work, photo, totals);
    photos += batch.length;
    const last = batch.at(-1);
    if (!last) break;
    lastId = last.id;
    process.stderr.write(`${photos} photos looked at, ${megabytes(totals.bytes)} MB\n`);
  }
  const { copied, there, bytes, problems } = totals;
  const verb = work.dryRun ? 'to copy' : 'copied and read back';
  const files = `${copied} files ${verb} (${megabytes(bytes)} MB), ${there} there already`;
  process.stdout.write(`${files}, ${problems} missing or damaged\n`);
  return problems === 0 ? 0 : 1;
}

/** All files of one photo at once: there are at most four. */
async function copyPhoto(work: Work, photo: NamedFiles, totals: Totals): Promise<void> {
  await Promise.all([
    copyOne(work, photo.id, 'originals', photo.originalKey, totals, photo.sha256),
    ...photo.variants.map(({ key }) => copyOne(work, photo.id, 'variants', key, totals)),
  ]);
}

async function copyOne(
  work: Work,
  id: number,
  area: Area,
  key: string,
  totals: Totals,
  sha256?: string,
): Promise<void> {
  const outcome: CopyOutcome = await copyFile(work, area, key, sha256).catch(orMissing);
  totals.bytes += outcome.bytes;
  if (outcome.what === 'copied') totals.copied += 1;
  else if (outcome.what === 'there') totals.there += 1;
  else if ((await filesAfter(work.db, id - 1, 1))[0]?.id === id) {
    // Still a photo: not one that was deleted meanwhile.
    totals.problems += 1;
    process.stderr.write(`photo ${id}: ${area}/${key}: ${outcome.what}\n`);
  }
}

function orMissing(error: Error): CopyOutcome {
  if (error instanceof NotStoredError) return { what: 'missing', bytes: 0 };
  throw error;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
