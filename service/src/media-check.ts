import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import { findMissingFiles } from './jobs/missing-files.ts';
import { openStorage } from './media-storage.ts';
import { StorageAwayError } from './storage/storage.ts';

const MOST_NAMED = 100;

/**
 * `media check [--json]`, given the flags: looks whether the storage in use holds every file that a photo's row names,
 * in the size that the row knows. Answers 1 when it does not, and names the first 100 files.
 * @throws {UsageError} for bad configuration.
 */
export async function checkMedia(flags: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig('media check', env);
  const db = openDatabase({ url: config.DATABASE_URL, name: 'media' });
  try {
    const { photos, missing } = await findMissingFiles(db, await openStorage(config));
    const result = { photos, missing: missing.slice(0, MOST_NAMED), missingCount: missing.length };
    process.stdout.write(flags.includes('--json') ? `${JSON.stringify(result)}\n` : describe(result));
    return missing.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StorageAwayError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    await db.destroy();
  }
}

function describe(result: { photos: number; missing: { id: number; key: string }[]; missingCount: number }) {
  const { photos, missing, missingCount } = result;
  const lines = missing.map(({ id, key }) => `photo ${id}: ${key}\n`);
  return `${photos} photos, ${missingCount} files missing or not in their size\n${lines.join('')}`;
}
