/** One line of the ledger about backups: what the panel, the alerts and `make doctor` go by. */
export interface BackupEvent {
  what: 'backup' | 'base' | 'drill' | 'drill-at' | 'restore';
  /** done and failed of a backup or a restore; pass, fail and not-run of a drill (drill-at is the one of base backup and WAL), which alarms like fail. */
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
