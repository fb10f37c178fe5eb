/** A position in the WAL, in bytes. */
export type Lsn = bigint;

/** initdb's default, which this product keeps. */
export const SEGMENT_BYTES = 16 * 2 ** 20;
const SEGMENTS_PER_FILE_ID = 2n ** 32n / BigInt(SEGMENT_BYTES);

/** @param text such as 0/16B3748  @throws RangeError for anything else */
export function parseLsn(text: string): Lsn {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? [];
  if (!high || !low) throw new RangeError(`"${text}" is no position in the WAL`);
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export const formatLsn = (lsn: Lsn): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();

/** One file of the WAL: which timeline, and which 16 MB since its beginning. */
export interface Segment {
  timeline: number;
  number: bigint;
}

const hex = (value: bigint | number) => value.toString(16).toUpperCase().padStart(8, '0');

/** The segment's name as postgres writes it: 24 hexadecimal digits. */
export const formatSegment = ({ timeline, number }: Segment): string =>
  hex(timeline) + hex(number / SEGMENTS_PER_FILE_ID) + hex(number % SEGMENTS_PER_FILE_ID);

/** @returns null for a name that is no segment's */
export function parseSegment(name: string): Segment | null {
  const [, timeline, high, low] = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(name) ?? [];
  if (!timeline || !high || !low) return null;
  const number = BigInt(`0x${high}`) * SEGMENTS_PER_FILE_ID + BigInt(`0x${low}`);
  return { timeline: Number.parseInt(timeline, 16), number };
}

/** Number of the segment that holds a position. */
export const segmentOf = (lsn: Lsn): bigint => lsn / BigInt(SEGMENT_BYTES);

/** Where a timeline left the one before it. */
export interface Ancestor {
  timeline: number;
  /** The first position that is no longer of it. */
  end: Lsn;
}

/**
 * Reads a timeline's history file. https://www.postgresql.org/docs/17/continuous-archiving.html#BACKUP-TIMELINES
 * @returns its ancestors, oldest first
 */
export function parseHistory(text: string): Ancestor[] {
  return text
    .split('\n')
    .map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line))
    .filter((match) => match !== null)
    .map(([, timeline, end]) => ({ timeline: Number(timeline), end: parseLsn(end ?? '') }));
}

/**
 * One unbroken stretch that the receiver wrote, in a directory of its own under backups/wal/: a new one begins with
 * another cluster, another timeline, or a slot that was lost. What epoch.json holds.
 */
export interface Epoch {
  /** Name of its directory: <system>-<timeline as eight hexadecimal digits>, and -2, -3, … for later ones. */
  name: string;
  /** The cluster's system identifier. */
  system: string;
  timeline: number;
  /** ISO 8601, UTC. */
  started: string;
  reason: 'first' | 'new-cluster' | 'new-timeline' | 'slot-lost';
  /** Position from which the slot keeps WAL. */
  startLsn: string;
  /** Name of the epoch before. */
  previous: string | null;
}

export const EPOCH_FILE = 'epoch.json';

/** A file of the WAL as it lies on the disk. */
export interface WalFile {
  epoch: string;
  /** Of the segment, without what follows a dot. */
  segment: string;
  /** .zst is complete and compressed, plain complete, .partial the one that is being received. */
  kind: 'compressed' | 'plain' | 'partial';
}

/** @returns null for what is no segment, a history file for instance */
export function parseWalFile(epoch: string, name: string): WalFile | null {
  const [, segment, suffix] = /^([0-9A-F]{24})(\.zst|\.partial)?$/.exec(name) ?? [];
  if (!segment) return null;
  const kinds = { '': 'plain', '.zst': 'compressed', '.partial': 'partial' } as const;
  return { epoch, segment, kind: kinds[(suffix ?? '') as keyof typeof kinds] };
}

export interface WalPath {
  /** In the order of replay, without a gap. */
  files: WalFile[];
  /** The first that is missing although later ones are there; null when nothing is missing. */
  missing: string | null;
}

/**
 * The WAL from a position on along a timeline, as recovery would ask for it.
 * https://www.postgresql.org/docs/17/continuous-archiving.html#BACKUP-PITR-RECOVERY - a segment that is missing in the
 * middle makes postgres end there and promote without a word.
 * @param ancestors of the timeline, oldest first  @param files of every epoch of the cluster
 */
export function findWalPath(
  from: Lsn,
  { timeline, ancestors }: { timeline: number; ancestors: readonly Ancestor[] },
  files: readonly WalFile[],
): WalPath {
  const best = new Map<string, WalFile>();
  const rank = { compressed: 2, plain: 1, partial: 0 };
  for (const file of files) {
    const known = best.get(file.segment);
    if (!known || rank[file.kind] > rank[known.kind]) best.set(file.segment, file);
  }
  const timelines = [...ancestors.map((one) => one.timeline), timeline];
  const begins = (index: number) => (index === 0 ? 0n : segmentOf(ancestors[index - 1]?.end ?? 0n));
  const find = (number: bigint): WalFile | undefined => {
    for (let index = timelines.length - 1; index >= 0; index -= 1) {
      const ended = ancestors[index] && segmentOf(ancestors[index]?.end ?? 0n) < number;
      if (begins(index) > number || ended) continue;
      const found = best.get(formatSegment({ timeline: timelines[index] ?? 0, number }));
      if (found) return found;
    }
    return undefined;
  };
  const last = [...best.keys()]
    .map(parseSegment)
    .filter((one) => one !== null && one.timeline === timeline)
    .reduce((max, one) => (one && one.number > max ? one.number : max), segmentOf(from) - 1n);
  const found: WalFile[] = [];
  const lastOfAll = [last, ...ancestors.map(({ end }) => segmentOf(end))].reduce((a, b) => (a > b ? a : b));
  for (let number = segmentOf(from); number <= lastOfAll; number += 1n) {
    const file = find(number);
    if (!file) return { files: found, missing: formatSegment({ timeline: timelineAt(number), number }) };
    found.push(file);
  }
  return { files: found, missing: null };

  function timelineAt(number: bigint): number {
    const index = timelines.findLastIndex((_, at) => begins(at) <= number);
    return timelines[index] ?? timeline;
  }
}
