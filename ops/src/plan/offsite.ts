import { type BaseManifest, withParents } from './bases.ts';
import { parseLsn, segmentOf } from './wal.ts';

/**
 * What is encrypted and sent in one piece. Encryption of a piece happens in memory, and a piece is what is sent again after a
 * connection that broke.
 */
export const PIECE_BYTES = 16 * 2 ** 20;

/** Something to be sent: a file under backups/ or elsewhere, and where it goes. */
export interface Shipment {
  /** Absolute path of the file. */
  file: string;
  /** Key of the object, without the bucket's prefix and what names its pieces. */
  key: string;
  /** What changes when its content does; the same one is sent once. */
  version: string;
  bytes: number;
  /** Compressed on the way, because it was not before. */
  gzip?: true;
}

/** Keys of the objects that hold a file, in order: one for most, several for what is bigger than a piece. */
export function pieceKeys(key: string, bytes: number): string[] {
  const count = Math.max(1, Math.ceil(bytes / PIECE_BYTES));
  if (count === 1) return [`${key}.age`];
  const pad = (number: number) => String(number).padStart(5, '0');
  return Array.from({ length: count }, (_, index) => `${key}.${pad(index + 1)}-of-${pad(count)}.age`);
}

/** The file that an object is of, and which part of it. */
export interface Piece {
  /** As in Shipment. */
  key: string;
  number: number;
  count: number;
}

/** @returns null for what is no object of ours */
export function parsePiece(object: string): Piece | null {
  const [, whole, number, count, single] = /^(?:(.+)\.(\d{5})-of-(\d{5})|(.+))\.age$/.exec(object) ?? [];
  if (whole) return { key: whole, number: Number(number), count: Number(count) };
  return single ? { key: single, number: 1, count: 1 } : null;
}

/**
 * Directory of a base backup in the bucket: the segment where its WAL begins is in the name, so that whoever may delete
 * there needs no private key to know which WAL is still needed, and what a difference builds on.
 */
export const baseDirectory = ({
  id,
  startLsn,
  epoch,
  parent,
}: Pick<BaseManifest, 'id' | 'startLsn' | 'epoch' | 'parent'>) =>
  `base/${id}.${epoch}.${segmentOf(parseLsn(startLsn))}${parent ? `.${parent}` : ''}`;

/** What the name of a directory under base/ says. */
export interface RemoteBase {
  id: string;
  epoch: string;
  segment: bigint;
  /** What it is the difference to. */
  parent: string | null;
}

/** Reads the name of a directory under base/. */
export function parseBaseDirectory(name: string): RemoteBase | null {
  const [, id, epoch, segment, parent = null] =
    /^(\d{8}T\d{6}Z-base)\.(\d+-[0-9A-F]{8}(?:-\d+)?)\.(\d+)(?:\.(\d{8}T\d{6}Z-base))?$/.exec(name) ?? [];
  return id && epoch && segment ? { id, epoch, segment: BigInt(segment), parent } : null;
}

/**
 * Adds to names of directories under base/ those that they build on.
 * @param all that there are  @returns their names; what is not there is left out
 */
export function withParentDirectories(names: readonly string[], all: readonly string[]): Set<string> {
  return withParents(names, (name) => {
    const parent = parseBaseDirectory(name)?.parent;
    return parent && all.find((one) => one.startsWith(`${parent}.`));
  });
}

/** Above this the operator is told: what the bucket has is too old. */
export const LAG_SECONDS = 300;

/** What the shipper tells of itself in .atlas/offsite/status.json. Times are ISO 8601, UTC. */
export interface OffsiteStatus {
  at: string;
  /** Everything that was committed until then is in the bucket; null: nothing is known to be. */
  shippedUntil: string | null;
  /** What could not be sent when it was tried last. */
  error: string | null;
}

/**
 * Which objects of the bucket may go: those of dumps and base backups older than they are kept, and WAL that none of the
 * remaining base backups needs. The newest two of each stay whatever their age, with what they build on, and nothing goes while
 * the newest is older than two days: then shipping fails, or a clock is wrong.
 * @param objects keys without the bucket's prefix
 */
export function findExpiredObjects(objects: readonly string[], now: Date, keepDays: number): string[] {
  const groups = groupByBackup(objects);
  const expired = new Set<string>();
  let isCurrent = false;
  for (const kind of ['base', 'dumps'] as const) {
    const names = [...groups[kind]].sort();
    const newest = timeOf(names.at(-1));
    if (!newest || Math.abs(now.getTime() - newest) > 2 * DAY) continue;
    if (kind === 'base') isCurrent = true;
    const isOld = (name: string) => (timeOf(name) ?? now.getTime()) < now.getTime() - keepDays * DAY;
    const old = names.slice(0, -2).filter(isOld);
    const kept = withParentDirectories(
      names.filter((name) => !old.includes(name)),
      names,
    );
    for (const name of old) if (!kept.has(name)) expired.add(`${kind}/${name}/`);
  }
  const kept = [...groups.base].filter((name) => !expired.has(`base/${name}/`)).map(parseBaseDirectory);
  return objects.filter((key) => {
    const [store = '', name = '', file = ''] = key.split('/');
    if (store === 'wal') return isCurrent && isUnneeded(name, file, kept);
    return expired.has(`${store}/${name}/`);
  });
}

const DAY = 86_400_000;

function groupByBackup(objects: readonly string[]): Record<'base' | 'dumps', Set<string>> {
  const groups = { base: new Set<string>(), dumps: new Set<string>() };
  for (const key of objects) {
    const [store, name] = key.split('/');
    if ((store === 'base' || store === 'dumps') && name) groups[store].add(name);
  }
  return groups;
}

function timeOf(name: string | undefined): number | null {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name ?? '') ?? [];
  return y ? Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) : null;
}

/** WAL of an epoch before the first base backup of it; an epoch without one may be needed by a base before it, and stays. */
function isUnneeded(
  epoch: string,
  file: string,
  kept: readonly ReturnType<typeof parseBaseDirectory>[],
): boolean {
  const [, low, high] = /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})\./.exec(file) ?? [];
  const system = epoch.split('-')[0];
  const ofSystem = kept.filter((one) => one?.epoch.startsWith(`${system}-`));
  if (!low || !high || ofSystem.length === 0) return false;
  const number = BigInt(`0x${low}`) * 256n + BigInt(`0x${high}`);
  return ofSystem.every((one) => one !== null && number < one.segment);
}
