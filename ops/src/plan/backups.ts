/** The service's database, and the role that owns it (compose/postgres/10-app-role.sh). */
export const DATABASE = 'atlas';
export const DUMP_FILE = 'database.dump';
export const MANIFEST_FILE = 'manifest.json';

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
  postgres: { version: string; image: string };
  files: BackupFile[];
  tables: TableFingerprint[];
  /** How long it took. */
  seconds: number;
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

// Names become paths: none may lead out of the backup's directory.
const fileName = matching(/^\w[\w.-]*$/);

const isManifest = shape({
  format: (value) => value === FORMAT,
  id: matching(/^\d{8}T\d{6}Z-[\w.-]+$/),
  time: (value) => new Date(String(value)).toISOString() === value,
  release: text,
  reason: text,
  database: shape({ name: (value) => value === DATABASE, bytes: whole }),
  migrations: listOf(text),
  postgres: shape({ version: text, image: text }),
  files: listOf(shape({ name: fileName, bytes: whole, sha256: matching(/^[0-9a-f]{64}$/) })),
  tables: listOf(shape({ name: text, rows: whole, sum: matching(/^-?\d+$/) })),
  seconds: (value) => typeof value === 'number' && value >= 0,
});

/**
 * Reads what manifest.json holds.
 * @param directory name of the directory it lies in, which must be its own
 * @returns null for anything but a complete dump's manifest in this format
 */
export function parseManifest(json: string, directory: string): Manifest | null {
  try {
    const value: unknown = JSON.parse(json);
    if (!isManifest(value)) return null;
    const manifest = value as Manifest;
    const hasDump = manifest.files.some(({ name }) => name === DUMP_FILE);
    return hasDump && manifest.id === directory ? manifest : null;
  } catch {
    return null;
  }
}
