import type { Manifest } from './backups.ts';
import { compareSchema, formatMigrations, type Migration } from './schema.ts';

/** What a restore needs to know before it begins. */
export interface RestoreFacts {
  backup: Manifest;
  /** The release that serves afterwards, which is the one that serves now. */
  release: string;
  /** Migrations that release knows. */
  known: readonly Migration[];
  /** Names of the only tables that come back; null for all. */
  tables: readonly string[] | null;
  /** A dump of the present is taken first. */
  safety: boolean;
}

/** Migrations of the backup that the release does not know: it cannot serve such a database. */
export function findUnknown({ backup, known }: Pick<RestoreFacts, 'backup' | 'known'>): string[] {
  return compareSchema(known, asMigrations(backup)).ahead.map(({ name }) => name);
}

/** Migrations of the release that the backup is from before of: applied after the swap. */
export function findPending({ backup, known }: Pick<RestoreFacts, 'backup' | 'known'>): Migration[] {
  return compareSchema(known, asMigrations(backup)).pending;
}

const asMigrations = ({ migrations }: Manifest) => migrations.map((name) => ({ name, breaking: false }));

/** What will happen, in the order it does, for the operator to read before saying yes. */
export function describeRestore(facts: RestoreFacts): string[] {
  const { backup, release, tables, safety } = facts;
  const pending = findPending(facts);
  const rows = backup.tables.reduce((sum, table) => sum + table.rows, 0);
  const all = `${backup.tables.length} tables, ${rows} rows`;
  return [
    `check every file of ${backup.id} (${backup.time.slice(0, 19)}Z, release ${backup.release || 'none'})`,
    'tell everybody to come back in a moment (health checks and the panel go on)',
    safety
      ? 'take a backup of the present state'
      : 'take NO backup of the present state (SKIP_SAFETY=1): photos that came since go, a day later',
    ...(backup.media.storage === 'local'
      ? [`bring back those of ${backup.media.files} photo files that are missing or changed`]
      : []),
    `restore ${tables ? tables.join(', ') : all} into a new database, every table compared with its fingerprint`,
    'stop api and worker, swap the databases, keep the present one beside it',
    ...(pending.length > 0 ? [`migrate: ${formatMigrations(pending)}`] : []),
    `clear the cache, reconcile the jobs, start api and worker on ${release}`,
  ];
}
