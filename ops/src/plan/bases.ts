import type { BackupFile } from './backups.ts';

/** Directory of base backups under backups/, one directory each. */
export const BASE_STORE = 'base';
/** Directory of the WAL under backups/, one directory for each epoch. */
export const WAL_STORE = 'wal';
/** Restore points under backups/, one JSON line each. */
export const POINTS_FILE = 'points.jsonl';
/** The cluster's files and the WAL that it needs to be consistent, as pg_basebackup writes them. */
export const BASE_FILES = {
  cluster: 'base.tar.zst',
  wal: 'pg_wal.tar',
  manifest: 'backup_manifest',
} as const;

/**
 * A physical copy of the whole cluster: WAL from `startLsn` on brings it to any moment after `ended`. Lies in
 * backups/base/<id>/manifest.json with a checksum over itself, written last: without it there is no base backup.
 */
export interface BaseManifest {
  format: 1;
  kind: 'base';
  /** When it was begun, and -base: 20261128T053000Z-base. Also the name of its directory. */
  id: string;
  /** Of the cluster. */
  system: string;
  /** Whose WAL it needs from here on. */
  epoch: string;
  timeline: number;
  /** Recovery begins here. */
  startLsn: string;
  /** Before here nothing is consistent. */
  endLsn: string;
  /** ISO 8601, UTC. */
  started: string;
  /** ISO 8601, UTC, by the clock of postgres: the earliest moment that it can be restored to. */
  ended: string;
  /** Id of the base backup that this one is the difference to; null for a full one. */
  parent: string | null;
  /** Size of the cluster, unpacked. */
  bytes: number;
  postgres: { version: string; image: string; imageId: string };
  files: BackupFile[];
  seconds: number;
  /** When pg_verifybackup had read all of it, unpacked from these files. ISO 8601, UTC. */
  verified: string;
}

/**
 * Adds to names of base backups those that they build on, over any number of steps.
 * @param parentOf what a name is the difference to; nothing for a full one
 */
export function withParents(
  names: Iterable<string>,
  parentOf: (name: string) => string | null | undefined,
): Set<string> {
  const needed = new Set(names);
  // A set that grows while it is walked is walked to its new end.
  for (const name of needed) {
    const parent = parentOf(name);
    if (parent) needed.add(parent);
  }
  return needed;
}

/** One line of POINTS_FILE. */
export interface RestorePoint {
  /** What the operator types: deploy-v1.3.0, restore-20261128T053000Z. */
  name: string;
  /** What the WAL says: the name made unique, since recovery stops at the first of its name. */
  label: string;
  system: string;
  timeline: number;
  lsn: string;
  /** ISO 8601, UTC, by the clock of postgres. */
  time: string;
}
