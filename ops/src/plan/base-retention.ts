import { type BaseManifest, type RestorePoint, withParents } from './bases.ts';
import { isOfLineage } from './restore-at.ts';
import { findExpired, findRotationObstacle, type Retained } from './retention.ts';
import { type Ancestor, type Epoch, parseLsn, parseSegment, segmentOf, type WalFile } from './wal.ts';

/** An epoch, and where its timeline came from, oldest first; null when nobody knows. */
export interface EpochFacts {
  epoch: Epoch;
  ancestors: readonly Ancestor[] | null;
  /** Whether the receiver writes it, or may go on in it. */
  isCurrent: boolean;
}

export interface BaseRotationFacts {
  /** Those that can be restored: a broken one is never deleted and never relied on. */
  bases: readonly BaseManifest[];
  epochs: readonly EpochFacts[];
  /** Every file of the WAL in these epochs. */
  files: readonly WalFile[];
  points: readonly RestorePoint[];
  now: Date;
  /** BACKUP_KEEP_DAYS. */
  keepDays: number;
}

/** What may go, in the order in which it must. */
export interface BaseRotationPlan {
  /** Why nothing at all may go; null when rotation may go on. */
  obstacle: string | null;
  /** Ids; a difference before what it is the difference to. */
  bases: string[];
  /** Names of epochs that no base backup leads into. */
  epochs: string[];
  /** Files of other epochs, oldest first, so that what is left never has a gap. */
  files: WalFile[];
  /** Restore points that no base backup leads to. */
  points: RestorePoint[];
}

/**
 * Which base backups, WAL and restore points may be deleted. Base backups age by the rule of plan/retention.ts, by when they
 * ended; of those that are older than `keepDays` the newest stays, because from it the WAL leads to the first moments of
 * these days. What a kept one is the difference to stays, and all WAL from where a kept one begins.
 */
export function planBaseRotation(facts: BaseRotationFacts): BaseRotationPlan {
  const { bases, now, keepDays } = facts;
  const obstacle = findRotationObstacle(bases.map(toRetained), now);
  if (obstacle) return { obstacle, bases: [], epochs: [], files: [], points: [] };
  const [, ...old] = findExpired(bases.map(toRetained), now, keepDays);
  const young = bases.filter(({ id }) => !old.includes(id)).map(({ id }) => id);
  const needed = withParents(young, (name) => bases.find(({ id }) => id === name)?.parent);
  const kept = bases.filter(({ id }) => needed.has(id));
  const gone = bases.filter(({ id }) => !needed.has(id));
  return {
    obstacle,
    bases: gone.sort((a, b) => Date.parse(b.ended) - Date.parse(a.ended)).map(({ id }) => id),
    ...findExpiredWal(facts, kept),
    points: facts.points.filter((point) => !kept.some((base) => leadsTo(base, point))),
  };
}

const toRetained = ({ id, ended, verified }: BaseManifest): Retained => ({
  manifest: { id, time: ended, verified },
  drill: null,
});

const leadsTo = (base: BaseManifest, point: RestorePoint) =>
  base.system === point.system && parseLsn(base.endLsn) <= parseLsn(point.lsn);

function findExpiredWal(
  { epochs, files }: BaseRotationFacts,
  kept: readonly BaseManifest[],
): Pick<BaseRotationPlan, 'epochs' | 'files'> {
  const expired: Pick<BaseRotationPlan, 'epochs' | 'files'> = { epochs: [], files: [] };
  for (const facts of epochs) {
    const { name } = facts.epoch;
    const own = sortByNumber(files.filter(({ epoch }) => epoch === name));
    const first = findFirstNeeded(facts, kept);
    const old = own.filter(({ segment }) => first === null || numberOf(segment) < first);
    const isNeeded = facts.isCurrent || kept.some(({ epoch }) => epoch === name);
    if (!isNeeded && old.length === own.length) expired.epochs.push(name);
    // pg_receivewal goes on after the newest file, and the receiver has not done with those that are not compressed.
    else if (first !== null) {
      const newest = own.at(-1)?.segment;
      expired.files.push(...old.filter(({ kind, segment }) => kind === 'compressed' && segment !== newest));
    }
  }
  return expired;
}

/** Number of the first segment that a kept base backup needs of the epoch's timeline; null when none leads into it. */
function findFirstNeeded(
  { epoch: { system, timeline }, ancestors }: EpochFacts,
  kept: readonly BaseManifest[],
): bigint | null {
  const leading = kept.filter((base) =>
    ancestors ? isOfLineage(base, { system, timeline, ancestors }) : base.system === system,
  );
  const starts = leading.map(({ startLsn }) => segmentOf(parseLsn(startLsn)));
  return starts.reduce<bigint | null>((min, start) => (min === null || start < min ? start : min), null);
}

const numberOf = (segment: string): bigint => parseSegment(segment)?.number ?? 0n;

const sortByNumber = (files: readonly WalFile[]) =>
  [...files].sort((a, b) => (a.segment < b.segment ? -1 : Number(a.segment > b.segment)));
