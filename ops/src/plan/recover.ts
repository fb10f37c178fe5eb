import { MANIFEST_FILE, MEDIA_STORE } from './backups.ts';
import { BASE_STORE, POINTS_FILE, WAL_STORE } from './bases.ts';
import { parseBaseDirectory, withParentDirectories } from './offsite.ts';

/** What a new machine fetches. */
export interface RecoveryFiles {
  /** Id of the base backup. */
  base: string;
  /** Where a file goes, below backups/, by its key in the bucket. */
  places: Map<string, string>;
}

/**
 * Chooses from what a bucket has: the newest base backup that is whole and was begun before the moment, the WAL of its
 * cluster from there on, the newest dump with all photos, and the list of restore points.
 * @param keys of files, as plan/offsite.ts names them  @param moment ISO 8601, UTC; null for the last commit
 * @returns why not, when there is none
 */
export function chooseFiles(keys: readonly string[], moment: string | null): RecoveryFiles | string {
  const names = [
    ...new Set(keys.filter((key) => key.startsWith('base/')).map((key) => key.split('/')[1] ?? '')),
  ];
  const whole = names.filter((name) => keys.includes(`base/${name}/${MANIFEST_FILE}`)).sort();
  if (whole.length === 0) return 'the bucket has no base backup that is whole';
  const stamp = moment?.replace(/[-:]/g, '').replace(/\.\d+/, '');
  const chosen = whole.filter((name) => !stamp || name < stamp).at(-1);
  if (!chosen) return `every base backup in the bucket is younger than ${moment}: the oldest is ${whole[0]}`;
  const base = parseBaseDirectory(chosen);
  if (!base) return `${chosen} is no name of a base backup`;
  const chain = withParentDirectories([chosen], whole);
  const last = [...chain].map(parseBaseDirectory).at(-1);
  if (last?.parent) return `${chosen} builds on ${last.parent}, which is not in the bucket`;
  const places = new Map<string, string>();
  const dumps = keys.filter((key) => new RegExp(`^dumps/[^/]+/${MANIFEST_FILE}$`).test(key)).sort();
  const dump = dumps.at(-1)?.split('/')[1];
  const system = base.epoch.split('-')[0];
  for (const key of keys) {
    const [store = '', name = '', file = ''] = key.split('/');
    if (store === 'base' && chain.has(name))
      places.set(key, `${BASE_STORE}/${parseBaseDirectory(name)?.id}/${file}`);
    if (store === 'wal' && name.startsWith(`${system}-`) && isNeeded(file, base.segment))
      places.set(key, `${WAL_STORE}/${name}/${file.replace(/\.gz$/, '')}`);
    if (store === 'dumps' && name === dump) places.set(key, `${name}/${file}`);
    if (store === MEDIA_STORE) places.set(key, key);
    if (key === POINTS_FILE) places.set(key, key);
  }
  // A partial that was sent before its segment was complete would only be in the way.
  for (const place of [...places.values()])
    if (place.endsWith('.zst')) {
      const stale = [...places].find(([, other]) => other === place.replace(/zst$/, 'partial'));
      if (stale) places.delete(stale[0]);
    }
  return { base: base.id, places };
}

function isNeeded(file: string, from: bigint): boolean {
  const [, low, high] = /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})\./.exec(file) ?? [];
  return !low || !high || BigInt(`0x${low}`) * 256n + BigInt(`0x${high}`) >= from;
}
