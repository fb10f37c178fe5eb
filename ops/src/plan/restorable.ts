import type { BaseManifest } from './bases.ts';
import { isOfLineage, type Lineage } from './restore-at.ts';
import { findWalPath, parseLsn, parseSegment, segmentOf, type WalFile } from './wal.ts';

/** Any moment from the end of a base backup on can be restored, as far as the WAL leads. */
export interface Stretch {
  /** When the base backup ended. ISO 8601, UTC. */
  from: string;
  /** Name of the segment that is missing and before which it ends; null: it leads to the end of the timeline. */
  missing: string | null;
}

/**
 * What can be restored along a timeline: one stretch, or after each gap in the WAL another from the next base backup on.
 * @param bases unbroken ones  @param files undamaged ones of every epoch of the cluster
 */
export function findStretches(
  bases: readonly BaseManifest[],
  lineage: Lineage,
  files: readonly WalFile[],
): Stretch[] {
  const startOf = (base: BaseManifest) => parseLsn(base.startLsn);
  const own = bases
    .filter((base) => isOfLineage(base, lineage))
    .sort((a, b) => (startOf(a) < startOf(b) ? -1 : Number(startOf(a) > startOf(b))));
  const stretches: Stretch[] = [];
  let base = own[0];
  while (base) {
    const { missing } = findWalPath(startOf(base), lineage, files);
    stretches.push({ from: base.ended, missing });
    const gap = missing === null ? null : parseSegment(missing);
    base = gap ? own.find((one) => segmentOf(startOf(one)) > gap.number) : undefined;
  }
  return stretches;
}
