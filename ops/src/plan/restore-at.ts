import type { BaseManifest, RestorePoint } from './bases.ts';
import { type Ancestor, parseLsn } from './wal.ts';

/** The instant that a cluster is brought to. */
export type RestoreTarget =
  | { kind: 'time' /** ISO 8601, UTC. */; at: string }
  | { kind: 'point'; point: RestorePoint }
  | { kind: 'latest' };

/** One cluster's history as seen from one of its timelines. */
export interface Lineage {
  system: string;
  timeline: number;
  /** Oldest first. */
  ancestors: readonly Ancestor[];
}

/**
 * Reads what an operator typed: 2026-11-23 14:05:00, with fractions and Z or +03:30 behind it if wanted. Without a zone
 * it is the time of this machine's zone.
 * @returns ISO 8601, UTC; null for anything else, an impossible day included
 */
export function parseMoment(text: string): string | null {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/.exec(
    text.trim(),
  );
  if (!match) return null;
  const [, day = '', minute = '', seconds = ':00', zone = ''] = match;
  const offset = /^[+-]/.test(zone)
    ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
    : zone && 'Z';
  const date = new Date(`${day}T${minute}${seconds}${offset}`);
  if (Number.isNaN(date.getTime())) return null;
  // 30 February would become 2 March without a word.
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number);
  const calendar = new Date(Date.UTC(year, month - 1, dayOfMonth));
  return calendar.getUTCMonth() === month - 1 && calendar.getUTCDate() === dayOfMonth
    ? date.toISOString()
    : null;
}

/** Whether WAL of the lineage leads on from the base: it is of that timeline, or of an ancestor before it was left. */
export function isOfLineage(base: BaseManifest, { system, timeline, ancestors }: Lineage): boolean {
  if (base.system !== system) return false;
  if (base.timeline === timeline) return true;
  const ancestor = ancestors.find((one) => one.timeline === base.timeline);
  return ancestor !== undefined && parseLsn(base.endLsn) <= ancestor.end;
}

/** A target before which no base backup ended: postgres would not refuse it. */
export class TooEarlyError extends Error {
  /** ISO 8601, UTC; null when there is no base backup at all. */
  readonly earliest: string | null;

  constructor(earliest: string | null) {
    super(earliest ? `the earliest moment that can be restored is ${earliest}` : 'there is no base backup');
    this.earliest = earliest;
  }
}

/**
 * The newest base backup that ended before the target: from there the least WAL has to be replayed.
 * @param bases unbroken ones  @throws TooEarlyError
 */
export function chooseBase(
  bases: readonly BaseManifest[],
  lineage: Lineage,
  target: RestoreTarget,
): BaseManifest {
  const own = bases
    .filter((base) => isOfLineage(base, lineage))
    .sort((a, b) => Date.parse(b.ended) - Date.parse(a.ended));
  const reaches = (base: BaseManifest) => {
    if (target.kind === 'time') return Date.parse(base.ended) <= Date.parse(target.at);
    return target.kind === 'latest' || parseLsn(base.endLsn) <= parseLsn(target.point.lsn);
  };
  const found = own.find(reaches);
  if (!found) throw new TooEarlyError(own.at(-1)?.ended ?? null);
  return found;
}

/** A full base backup and the differences to it, oldest first. @throws Error naming what is missing */
export function chainOf(base: BaseManifest, bases: readonly BaseManifest[]): BaseManifest[] {
  const chain = [base];
  for (let parent = base.parent; parent !== null; parent = chain[0]?.parent ?? null) {
    const found = bases.find(({ id }) => id === parent);
    if (!found) throw new Error(`${chain[0]?.id} is the difference to ${parent}, which is not there`);
    chain.unshift(found);
  }
  return chain;
}

/**
 * Settings for postgres that recover to the target and end recovery there, as arguments: nothing of them is written into the cluster,
 * where it would spoil the next base backup.
 * https://www.postgresql.org/docs/17/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET
 */
export function recoverySettings(target: RestoreTarget, timeline: number): string[] {
  const goal = {
    // Names of zones are not taken, Z is one.
    time: () => [`recovery_target_time=${target.kind === 'time' ? target.at.replace('Z', '+00') : ''}`],
    point: () => [`recovery_target_name=${target.kind === 'point' ? target.point.label : ''}`],
    // To the end of the WAL.
    latest: () => [],
  }[target.kind]();
  // Not pause: a transaction that had not ended then keeps its locks for as long as recovery lasts, and that of a DROP TABLE
  // would let nobody look at the very table.
  const end = target.kind === 'latest' ? [] : ['recovery_target_action=promote'];
  return [`recovery_target_timeline=${timeline}`, ...goal, ...end];
}

/** The target in words, for the plan. */
export function describeTarget(target: RestoreTarget): string {
  if (target.kind === 'latest') return 'the last commit that the WAL holds';
  if (target.kind === 'time') return `${target.at} (UTC)`;
  return `the restore point ${target.point.name} of ${target.point.time}`;
}

/** Rows of one table, in the cluster that serves and in the recovered one. */
export interface RowCount {
  table: string;
  /** null: there is no such table. */
  present: number | null;
  past: number | null;
  /** `past` is what the planner thinks, not what was counted. */
  estimated: boolean;
}

/** Rows for the operator where nothing runs now: what every table has then. */
export function describePast(counts: readonly RowCount[]): string[][] {
  return counts.map(({ table, past, estimated }) => [table, `${estimated ? 'about ' : ''}${past ?? 0} rows`]);
}

/** Rows for the operator: every table whose number of rows changes. */
export function describeRows(counts: readonly RowCount[]): string[][] {
  const show = (rows: number | null) => (rows === null ? 'no such table' : String(rows));
  return counts
    .filter(({ present, past }) => present !== past)
    .map(({ table, present, past }) => {
      const change = (past ?? 0) - (present ?? 0);
      return [
        table,
        `${show(present)} now`,
        `${show(past)} then`,
        change > 0 ? `+${change}` : String(change),
      ];
    });
}
