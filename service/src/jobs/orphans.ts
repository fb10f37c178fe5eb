import type { Knex } from 'knex';
import { filesIn, type NamedFiles } from '../db/photo-files.ts';
import type { Logger } from '../log.ts';
import { AREAS, DIRECTORIES, originalStem } from '../storage/keys.ts';
import type { Storage } from '../storage/storage.ts';
import { type FileName, filesOf, nameOf } from './file-names.ts';

// Between a file and its row lies an upload; between variants and their row a job with all its retries.
const MIN_AGE_SECONDS = 24 * 3600;
// More orphans than this share of all files are no accident: the database is another one, or was restored.
const MOST_SHARE = 0.1;
const MOST_AT_LEAST = 10;
// What one run remembers; the next one does the rest.
const MOST_AT_ONCE = 10_000;

/** What one run found, and did. */
export interface OrphanReport {
  files: number;
  orphans: number;
  removed: number;
  /** Files that rows in state 'ready' name and that are not there. */
  missing: number;
}

interface Dependencies {
  db: Knex;
  storage: Storage;
  log: Logger;
}

/**
 * Compares all files with all rows, a 256th at a time, removes old files that no row names and warns of rows whose
 * files are gone. Removes nothing when there are so many that the database is probably the wrong one.
 * @param signal ends the run early: the next one finds the same.
 */
export async function removeOrphans(
  deps: Dependencies,
  { signal, now = Date.now() }: { signal?: AbortSignal; now?: number } = {},
): Promise<OrphanReport> {
  const report: OrphanReport = { files: 0, orphans: 0, removed: 0, missing: 0 };
  const orphans: FileName[] = [];
  let photos = 0;
  for (const directory of DIRECTORIES) {
    if (signal?.aborted) return report;
    const rows = await filesIn(deps.db, directory);
    photos += rows.length;
    const found = await compare(deps, directory, rows, now - MIN_AGE_SECONDS * 1000);
    report.files += found.files;
    orphans.push(...found.orphans.slice(0, MOST_AT_ONCE - orphans.length));
    report.orphans += found.orphans.length;
    report.missing += await warnOfMissing(deps, directory, found.missing);
  }
  const most = photos === 0 ? 0 : Math.max(MOST_AT_LEAST, report.files * MOST_SHARE);
  if (report.orphans > most) {
    deps.log.error(
      report,
      'orphaned files left alone: so many mean another or a restored database. Once it is the right one, remove them by hand',
    );
    return report;
  }
  report.removed = await removeAll(deps, orphans, signal);
  deps.log.info(report, 'orphaned files removed');
  return report;
}

/** One directory of both areas against its rows, which were read before the files are listed. */
async function compare({ storage }: Dependencies, directory: string, rows: NamedFiles[], beforeMs: number) {
  const named = namesOf(rows);
  const orphans: FileName[] = [];
  const missing = new Map(
    rows
      .filter(isReady)
      .flatMap(filesOf)
      .map((file) => [nameOf(file), file]),
  );
  let files = 0;
  for (const area of AREAS) {
    for await (const page of storage.list(area, directory)) {
      files += page.length;
      for (const { key, modifiedAt } of page) {
        const file = { area, key };
        missing.delete(nameOf(file));
        if (!isNamed(named, file) && modifiedAt.getTime() < beforeMs) orphans.push(file);
      }
    }
  }
  return { files, orphans, missing: [...missing.values()] };
}

/** Asks again first: a photo may have been deleted, with its files, while they were listed. */
async function warnOfMissing({ db, log }: Dependencies, directory: string, suspects: FileName[]) {
  if (suspects.length === 0) return 0;
  const still = (await filesIn(db, directory)).filter(isReady);
  const named = new Map(still.flatMap((row) => filesOf(row).map((file) => [nameOf(file), row.id])));
  const missing = suspects.filter((file) => named.has(nameOf(file)));
  for (const file of missing) log.warn({ ...file, photoId: named.get(nameOf(file)) }, 'file is missing');
  return missing.length;
}

/** Asks the rows once more, just before: a job may have named a variant since. */
async function removeAll({ db, storage }: Dependencies, orphans: FileName[], signal?: AbortSignal) {
  let removed = 0;
  for (const directory of DIRECTORIES) {
    const files = orphans.filter(({ key }) => key.startsWith(`${directory}/`));
    if (files.length === 0) continue;
    const named = namesOf(await filesIn(db, directory));
    for (const file of files.filter((file) => !isNamed(named, file))) {
      if (signal?.aborted) return removed;
      await storage.remove(file.area, file.key);
      removed += 1;
    }
  }
  return removed;
}

/** The names of all files of these rows, and the stems of originals whose variants may appear at any moment. */
function namesOf(rows: NamedFiles[]) {
  return {
    files: new Set(rows.flatMap(filesOf).map(nameOf)),
    owed: new Set(
      rows.filter(({ state }) => state === 'uploaded').map((row) => originalStem(row.originalKey)),
    ),
  };
}

function isNamed(named: ReturnType<typeof namesOf>, file: FileName): boolean {
  return (
    named.files.has(nameOf(file)) || (file.area === 'variants' && named.owed.has(originalStem(file.key)))
  );
}

const isReady = ({ state }: NamedFiles) => state === 'ready';
