import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { OffsiteStatus, Shipment } from '../../plan/offsite.ts';
import { writeAtomically } from '../files.ts';
import { paths } from '../paths.ts';

const LIST = path.join(paths.offsite, 'shipped');
const STATUS = path.join(paths.offsite, 'status.json');

/** Keys of the files that the bucket has. */
export async function listShipped(): Promise<Set<string>> {
  return new Set((await readList()).keys());
}

/** One line for each file: its key, a tab, its version. The later line of a key counts. */
async function readList(): Promise<Map<string, string>> {
  const lines = (await readFile(LIST, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

/** What the bucket has. Losing it only means that everything is sent again. */
export interface Shipped {
  has: (shipment: Shipment) => boolean;
  add: (shipment: Shipment) => Promise<void>;
}

/** Reads what was sent, and keeps in mind what is. */
export async function readShipped(): Promise<Shipped> {
  await mkdir(paths.offsite, { recursive: true, mode: 0o700 });
  const known = await readList();
  await writeAtomically(LIST, [...known].map(([key, version]) => `${key}\t${version}\n`).join(''), 0o600);
  return {
    has: ({ key, version }) => known.get(key) === version,
    async add({ key, version, gzip }) {
      known.set(key, version);
      // The segment that is received changes every few seconds: the list would grow by a line each time.
      if (!gzip) await appendFile(LIST, `${key}\t${version}\n`);
    },
  };
}

export async function writeStatus(status: OffsiteStatus): Promise<void> {
  await mkdir(paths.offsite, { recursive: true, mode: 0o700 });
  await writeAtomically(STATUS, `${JSON.stringify(status)}\n`, 0o600);
}

/** @returns null before the first run */
export async function readStatus(): Promise<OffsiteStatus | null> {
  return readFile(STATUS, 'utf8').then(
    (text) => JSON.parse(text) as OffsiteStatus,
    () => null,
  );
}
