/** The service's database, and the role that owns it (compose/postgres/init/10-app-role.sh). */
export const DATABASE = 'atlas';
export const DUMP_FILE = 'database.dump';
export const GLOBALS_FILE = 'globals.sql';
export const MANIFEST_FILE = 'manifest.json';
export const DRILL_FILE = 'drill.json';
export const MEDIA_LIST = 'media.jsonl';
/** Directory beside the backups. */
export const MEDIA_STORE = 'media';

const FORMAT = 1;
/** What must stay free beside a dump or a restored database. */
const RESERVE_BYTES = 500_000_000;

export interface BackupFile {
  name: string;
  bytes: number;
  /** Hexadecimal. The only proof of the content: pg_restore takes many a corrupted dump without a word. */
  sha256: string;
}

/** What one table held in the dump's snapshot. */
export interface TableFingerprint {
  /** Schema and table as SQL writes them. */
  name: string;
  rows: number;
  /** Sum of a 64-bit hash of each row's text: a decimal beyond what a number can hold. */
  sum: string;
}

/** What became of the photos: a list of all files in MEDIA_LIST, a bucket that keeps them, or not part of it. */
export type MediaRecord =
  | { storage: 'local'; files: number; bytes: number }
  | { storage: 's3'; endpoint: string; bucket: string }
  | { storage: 'none' };

/** One line of MEDIA_LIST. The bytes lie in MEDIA_STORE under their hash, shared by every backup that has them. */
export interface MediaFile {
  /** Below uploads/, with slashes. */
  path: string;
  bytes: number;
  /** Milliseconds since 1970, as the disk has it. */
  mtime: number;
  sha256: string;
}

/** What manifest.json holds. It is written last: a directory without a valid one is no backup. */
export interface Manifest {
  format: typeof FORMAT;
  /** The directory's name. */
  id: string;
  /** ISO 8601, UTC. */
  time: string;
  /** The release that was current; empty when there was none. */
  release: string;
  reason: string;
  database: { name: string; bytes: number };
  /** Names of the migrations that were applied. */
  migrations: string[];
  /** The image's reference and its id, which is a digest. */
  postgres: { version: string; image: string; imageId: string };
  media: MediaRecord;
  files: BackupFile[];
  tables: TableFingerprint[];
  /** How long it took. */
  seconds: number;
  /** When every file was read back whole and pg_restore understood the dump; ISO 8601, UTC. */
  verified: string;
}

/** What `make drill` leaves beside the manifest of the backup that it restored. */
export interface DrillRecord {
  /** ISO 8601, UTC. */
  time: string;
  result: 'pass' | 'fail';
  /** How long the restore took: what a real one would. */
  seconds: number;
  why?: string;
}

/** A whole backup and what a drill said of it; null before one. */
export interface Backup {
  manifest: Manifest;
  drill: DrillRecord | null;
}

/** 20261124T071530Z: UTC, sorts by time, fits into names of files. */
export function formatStamp(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** A directory's name from time and reason; whatever a path or a shell could take amiss becomes a dash. */
export function formatBackupId(time: Date, reason: string): string {
  const words = reason
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 100)
    .replace(/^[-.]+|[-.]+$/g, '');
  return `${formatStamp(time)}-${words || 'unnamed'}`;
}

/** A database beside the current one: restored and not yet in its place, or taken out of it. */
export function formatDatabaseName(kind: 'restore' | 'before', time: Date): string {
  return `${DATABASE}_${kind}_${formatStamp(time).toLowerCase()}`;
}

/** Names of databases that a restore took out of their place and kept. Not one of them needs quotes in SQL. */
export const KEPT_DATABASE = new RegExp(`^${DATABASE}_before_\\d{8}t\\d{6}z$`);

/**
 * The newest dump that a deploy took before its migrations and that a release can live with.
 * @param known the migrations of that release: one applied in a dump that it does not know rules the dump out
 */
export function findDump(dumps: readonly Manifest[], known: readonly string[]): Manifest | null {
  const fitting = dumps.filter(
    ({ reason, migrations }) =>
      reason.startsWith('before-') && migrations.every((name) => known.includes(name)),
  );
  return sortNewestFirst(fitting)[0] ?? null;
}

export function sortNewestFirst(dumps: readonly Manifest[]): Manifest[] {
  return [...dumps].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
}

/** Bytes of a backup's own files; photos lie in the store that all backups share. */
export const sizeOf = ({ files }: { files: readonly BackupFile[] }) =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Free bytes, as the last line of `df -Pk` says. */
export const parseFreeBytes = (df: string) => Number(df.trim().split('\n').at(-1)?.split(/\s+/)[3]) * 1024;

/** How many bytes are missing; 0 when there is room for a copy of the database and a reserve of 500 MB. */
export function findShortage(freeBytes: number, databaseBytes: number): number {
  return Math.max(0, databaseBytes + RESERVE_BYTES - freeBytes);
}

/** One line for each table that is not as it was; none when the data are the same. */
export function compareTables(
  dumped: readonly TableFingerprint[],
  restored: readonly TableFingerprint[],
): string[] {
  const describe = (one?: TableFingerprint) => (one ? `${one.rows} rows, sum ${one.sum}` : 'no such table');
  const [before, after] = [dumped, restored].map((tables) => new Map(tables.map((one) => [one.name, one])));
  return [...new Set([...dumped, ...restored].map(({ name }) => name))]
    .map((name) => ({ name, was: describe(before?.get(name)), is: describe(after?.get(name)) }))
    .filter(({ was, is }) => was !== is)
    .map(({ name, was, is }) => `${name}: dumped ${was}; restored ${is}`);
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string';
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const whole: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const shape =
  (fields: Record<string, Check>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([key, check]) => check((value as Record<string, unknown>)[key]));

const time: Check = (value) => new Date(String(value)).toISOString() === value;
const is =
  (wanted: string): Check =>
  (value) =>
    value === wanted;
const MEDIA: Record<MediaRecord['storage'], Check> = {
  local: shape({ storage: is('local'), files: whole, bytes: whole }),
  s3: shape({ storage: is('s3'), endpoint: text, bucket: text }),
  none: shape({ storage: is('none') }),
};

// Names become paths: none may lead out of the backup's directory.
const fileName = matching(/^\w[\w.-]*$/);

const isManifest = shape({
  format: (value) => value === FORMAT,
  id: matching(/^\d{8}T\d{6}Z-[\w.-]+$/),
  time,
  release: text,
  reason: text,
  database: shape({ name: (value) => value === DATABASE, bytes: whole }),
  migrations: listOf(text),
  postgres: shape({ version: text, image: text, imageId: text }),
  media: (value) => Object.values(MEDIA).some((check) => check(value)),
  files: listOf(shape({ name: fileName, bytes: whole, sha256: matching(/^[0-9a-f]{64}$/) })),
  tables: listOf(shape({ name: text, rows: whole, sum: matching(/^-?\d+$/) })),
  seconds: (value) => typeof value === 'number' && value >= 0,
  verified: time,
});

const isDrillRecord = shape({
  time,
  result: (value) => value === 'pass' || value === 'fail',
  seconds: (value) => typeof value === 'number' && value >= 0,
  why: (value) => value === undefined || typeof value === 'string',
});

function parseChecked<T>(json: string, check: Check): T | null {
  try {
    const value: unknown = JSON.parse(json);
    return check(value) ? (value as T) : null;
  } catch {
    return null;
  }
}

/** Reads what DRILL_FILE holds; null for anything else. */
export const parseDrillRecord = (json: string): DrillRecord | null => parseChecked(json, isDrillRecord);

/**
 * Reads what manifest.json holds.
 * @param directory name of the directory it lies in, which must be its own
 * @returns null for anything but a complete dump's manifest in this format
 */
export function parseManifest(json: string, directory: string): Manifest | null {
  const manifest = parseChecked<Manifest>(json, isManifest);
  const hasDump = manifest?.files.some(({ name }) => name === DUMP_FILE);
  return hasDump && manifest?.id === directory ? manifest : null;
}
