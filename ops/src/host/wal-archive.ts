import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WAL_STORE } from '../plan/bases.ts';
import type { Lineage } from '../plan/restore-at.ts';
import {
  type Ancestor,
  EPOCH_FILE,
  type Epoch,
  parseHistory,
  parseWalFile,
  type WalFile,
} from '../plan/wal.ts';
import { Failure } from '../report/failure.ts';
import { hashFile } from './copy-hashed.ts';
import { CURRENT_TIMELINE, psql } from './postgres.ts';

/** Every epoch that the receiver began, oldest first. @param backups directory of all backups */
export async function readEpochs(backups: string): Promise<Epoch[]> {
  const store = path.join(backups, WAL_STORE);
  const epochs: Epoch[] = [];
  // A hidden one is being deleted.
  for (const name of (await namesIn(store)).filter((one) => !one.startsWith('.'))) {
    const text = await readFile(path.join(store, name, EPOCH_FILE), 'utf8').catch(() => null);
    if (text) epochs.push({ ...(JSON.parse(text) as Epoch), name });
  }
  return epochs.sort((a, b) => Date.parse(a.started) - Date.parse(b.started));
}

const EPOCH_SECONDS = 60;

const IDENTITY = `select system_identifier || ' ' || ${CURRENT_TIMELINE}
from pg_control_system();`;

/**
 * The epoch of the cluster that runs, once the receiver has begun it.
 * @param container of postgres  @throws Failure when the receiver does not
 */
export async function awaitEpoch(container: string, backups: string): Promise<Epoch> {
  const [system, timeline] = (await psql(container, 'postgres', IDENTITY)).trim().split(' ');
  for (let tries = 0; tries < EPOCH_SECONDS * 10; tries += 1) {
    const newest = (await readEpochs(backups)).at(-1);
    if (newest?.system === system && newest?.timeline === Number(timeline)) return newest;
    await delay(100);
  }
  throw new Failure(`the receiver has not begun with timeline ${timeline} of the cluster`, {
    next: 'make logs SERVICE=wal',
  });
}

/** Files of the WAL in these epochs. */
export async function listWalFiles(backups: string, epochs: readonly Epoch[]): Promise<WalFile[]> {
  const found: WalFile[] = [];
  for (const { name } of epochs) {
    for (const file of await namesIn(path.join(backups, WAL_STORE, name))) {
      const one = parseWalFile(name, file);
      if (one) found.push(one);
    }
  }
  return found;
}

/** Where a timeline of a cluster came from, oldest first; none for the first. @throws Error when nobody knows */
async function readAncestors(
  backups: string,
  epochs: readonly Epoch[],
  timeline: number,
): Promise<Ancestor[]> {
  if (timeline === 1) return [];
  const name = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  for (const epoch of epochs) {
    const file = path.join(backups, WAL_STORE, epoch.name, name);
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text) return parseHistory(text);
  }
  throw new Error(`${name} is in no directory of backups/${WAL_STORE}`);
}

/**
 * A timeline of a cluster, with where it came from.
 * @param epochs of any cluster  @throws Error when its history file is missing
 */
export async function readLineage(
  backups: string,
  epochs: readonly Epoch[],
  { system, timeline }: Pick<Epoch, 'system' | 'timeline'>,
): Promise<Lineage> {
  const own = epochs.filter((epoch) => epoch.system === system);
  return { system, timeline, ancestors: await readAncestors(backups, own, timeline) };
}

/** Name of the file under its epoch. */
export const walFileName = ({ segment, kind }: WalFile) =>
  segment + { compressed: '.zst', plain: '', partial: '.partial' }[kind];

/**
 * Reads compressed WAL whole and compares it with SHA256SUMS of its epoch, in order.
 * @returns the first that differs and why; null when all are as they were written
 */
export async function findDamagedWal(
  backups: string,
  files: readonly WalFile[],
  progress: (text: string) => void = () => {},
): Promise<{ file: WalFile; why: string } | null> {
  const sums = new Map<string, Map<string, string>>();
  for (const [index, file] of files.entries()) {
    if (file.kind !== 'compressed') continue;
    const directory = path.join(backups, WAL_STORE, file.epoch);
    if (!sums.has(file.epoch)) sums.set(file.epoch, await readSums(directory));
    const name = walFileName(file);
    const wanted = sums.get(file.epoch)?.get(name);
    if (!wanted) return { file, why: 'has no line in SHA256SUMS' };
    const found = await hashFile(path.join(directory, name)).catch(() => null);
    if (found?.sha256 !== wanted) return { file, why: 'has another SHA-256 than was written down' };
    progress(`${index + 1} of ${files.length}`);
  }
  return null;
}

async function readSums(directory: string): Promise<Map<string, string>> {
  const text = await readFile(path.join(directory, 'SHA256SUMS'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line));
  // A segment that was compressed again after a crash has two: the later one is of the file that is there.
  return new Map(lines.filter((match) => match !== null).map(([, sum = '', name = '']) => [name, sum]));
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}
