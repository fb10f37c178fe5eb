import type { DrillRecord } from './backups.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A night and two hours to spare: without a backup for longer, something is wrong. */
const LATE = 26 * HOUR;
/** No backup for so long: the clock leapt, or nothing worked. */
const LEAP = 30 * DAY;
/** These many stay, whatever their age. */
const ALWAYS_KEPT = 3;

/** What the rule needs to know: of a dump with its photos, and of a base backup. */
export interface Retained {
  /** Times as ISO 8601, UTC. */
  manifest: { id: string; time: string; verified: string };
  drill: Pick<DrillRecord, 'result'> | null;
}

/**
 * Why nothing at all may be deleted now; null when rotation may go on. A backup from after the clock means that the
 * clock is wrong or was: no age can be believed. An old newest one means that backups fail, or that the clock leapt.
 */
export function findRotationObstacle(backups: readonly Retained[], now: Date): string | null {
  const ahead = backups.find(({ manifest }) =>
    [manifest.time, manifest.verified].some((time) => Date.parse(time) > now.getTime()),
  );
  if (ahead)
    return `${ahead.manifest.id} comes from after the clock's ${now.toISOString().slice(0, 19)}Z, so one of them is wrong`;
  const newest = sortBackups(backups).find(isSound);
  if (!newest) return 'there is no backup that can be relied on';
  if (now.getTime() - timeOf(newest) <= LATE) return null;
  return `the newest good backup, ${newest.manifest.id}, is older than ${LATE / HOUR} hours`;
}

/**
 * Which backups may be deleted: older than `keepDays`, with three newer ones that can be relied on, the newest of
 * them at most 26 hours old. One that failed its drill is none of these three, and ages like any other.
 *
 * An age is how much older than the newest good backup one is, summed from each good backup to the next. Between
 * two of them 26 hours count at most, and 30 days or more count as nothing: days without a backup make the others no
 * older. So a clock that leaps by a year ages nothing, and the week before a month of failures stays until there is
 * a new one.
 * @param backups every unbroken one; a broken one is never deleted and never relied on
 * @returns their ids, newest first
 */
export function findExpired(backups: readonly Retained[], now: Date, keepDays: number): string[] {
  if (findRotationObstacle(backups, now)) return [];
  const expired: string[] = [];
  // So that what is newest has no age.
  let last = { time: Number.POSITIVE_INFINITY, age: 0 };
  let newerGood = 0;
  for (const backup of sortBackups(backups)) {
    const time = timeOf(backup);
    const age = last.age + countLapse(last.time - time);
    if (age > keepDays * DAY && newerGood >= ALWAYS_KEPT) expired.push(backup.manifest.id);
    if (!isSound(backup)) continue;
    last = { time, age };
    newerGood += 1;
  }
  return expired;
}

const countLapse = (milliseconds: number) => (milliseconds >= LEAP ? 0 : Math.min(milliseconds, LATE));

/** Every published backup was read back whole; a drill may have found it useless since. */
const isSound = ({ drill }: Retained) => drill?.result !== 'fail';

const timeOf = ({ manifest }: Retained) => Date.parse(manifest.time);

const sortBackups = (backups: readonly Retained[]) => [...backups].sort((a, b) => timeOf(b) - timeOf(a));
