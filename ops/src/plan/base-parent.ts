import { sizeOf } from './backups.ts';
import type { BaseManifest } from './bases.ts';
import { chainOf } from './restore-at.ts';

/** A full one once a week: what a difference builds on must stay for as long as it does, and be read for each restore. */
const FULL_SECONDS = 6.5 * 86_400;

export interface ParentFacts {
  /** Those that can be restored, oldest first. */
  bases: readonly BaseManifest[];
  /** Name of the epoch that the receiver writes. */
  epoch: string;
  /** Size of the cluster. */
  bytes: number;
  now: Date;
  /** BASE_FULL_BELOW_MB. */
  fullBelowMegabytes: number;
}

/**
 * The base backup that the next one is to be the difference to; null for a full one: when the cluster is small, the last
 * full one is a week old or of another stretch of WAL, or the differences together are bigger than it.
 */
export function chooseParent(facts: ParentFacts): BaseManifest | null {
  const { bases, epoch, bytes, now, fullBelowMegabytes } = facts;
  if (bytes < fullBelowMegabytes * 2 ** 20) return null;
  const newest = bases.findLast((base) => base.epoch === epoch);
  const [full, ...differences] = newest ? chainOf(newest, bases) : [];
  if (!newest || !full) return null;
  const age = (now.getTime() - Date.parse(full.started)) / 1000;
  const isBig = differences.reduce((sum, one) => sum + sizeOf(one), 0) > sizeOf(full);
  return age >= 0 && age < FULL_SECONDS && !isBig ? newest : null;
}
