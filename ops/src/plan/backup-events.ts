/** What the ledger knows of backups: drill is of a dump, drill-at of a base backup and its WAL, drill-offsite of what the bucket has. */
export const BACKUP_KINDS = ['backup', 'base', 'drill', 'drill-at', 'drill-offsite', 'restore'] as const;

/** One line of the ledger about backups: what the panel, the alerts and `make doctor` go by. */
export interface BackupEvent {
  what: (typeof BACKUP_KINDS)[number];
  /** done and failed of a backup or a restore; pass, fail and not-run of a drill, which alarms like fail. */
  result: 'done' | 'failed' | 'pass' | 'fail' | 'not-run';
  /** The backup's id, when there is one. */
  backup?: string;
  bytes?: number;
  /** The instant that a restore went to, in words. */
  target?: string;
  /** ISO 8601, UTC. */
  started: string;
  seconds: number;
  by: string;
  why?: string;
}

/** The latest that ended well, or null. */
export function findLatestGood(
  events: readonly BackupEvent[],
  what: BackupEvent['what'],
): BackupEvent | null {
  return (
    events.findLast((event) => event.what === what && (event.result === 'done' || event.result === 'pass')) ??
    null
  );
}
