import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { OffsiteStatus, Shipment } from '../../plan/offsite.ts';
import { writeAtomically } from '../files.ts';
import { paths } from '../paths.ts';

const LIST = path.join(paths.offsite, 'shipped');
const STATUS = path.join(paths.offsite, 'status.json');

/** What the bucket has. Losing it only means that everything is sent again. */
export interface Shipped {
  has: (shipment: Shipment) => boolean;
  add: (shipment: Shipment) => Promise<void>;
}

/** One line for each file: its key, a tab, its version. The later line of a key counts. */
export async function readShipped(): Promise<Shipped> {
  await mkdir(paths.offsite, { recursive: true, mode: 0o700 });
  const lines = (await readFile(LIST, 'utf8').catch(() => '')).split('\n');
  const known = new Map(lines.map((line) => line.split('\t') as [string, string]));
  known.delete('');
  // The partial segment alone adds one every few seconds.
  await writeAtomically(LIST, [...known].map(([key, version]) => `${key}\t${version}\n`).join(''), 0o600);
  return {
    has: ({ key, version }) => known.get(key) === version,
    async add({ key, version }) {
      known.set(key, version);
      await appendFile(LIST, `${key}\t${version}\n`);
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
