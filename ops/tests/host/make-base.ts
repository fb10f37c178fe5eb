import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatManifest } from '../../src/host/manifest.ts';
import { formatStamp } from '../../src/plan/backups.ts';
import { BASE_FILES, type BaseManifest } from '../../src/plan/bases.ts';
import { type Epoch, formatLsn, formatSegment, SEGMENT_BYTES } from '../../src/plan/wal.ts';
import { sha256 } from './make-backup.ts';

/** The position at which a segment begins. */
export const startOf = (segment: number) => formatLsn(BigInt(segment) * BigInt(SEGMENT_BYTES));

interface Shape {
  epoch: string;
  /** In which it begins, and ends. */
  segment: number;
  parent?: string;
}

/** Lays down a base backup as `make base` leaves it. */
export async function makeBase(backups: string, ended: Date, shape: Shape): Promise<BaseManifest> {
  const { epoch, segment, parent = null } = shape;
  const [system = '', timeline = ''] = epoch.split('-');
  const id = `${formatStamp(ended)}-base`;
  const directory = path.join(backups, 'base', id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = [];
  for (const name of Object.values(BASE_FILES)) {
    const content = `${name} of ${id}`;
    await writeFile(path.join(directory, name), content);
    files.push({ name, bytes: Buffer.byteLength(content), sha256: sha256(content) });
  }
  const time = ended.toISOString();
  const manifest: BaseManifest = {
    ...{ format: 1, kind: 'base', id, system, epoch, timeline: Number.parseInt(timeline, 16), parent },
    ...{ startLsn: startOf(segment), endLsn: startOf(segment), started: time, ended: time, verified: time },
    ...{
      bytes: 1000,
      postgres: { version: '17.12', image: 'postgres', imageId: 'sha256:1' },
      files,
      seconds: 1,
    },
  };
  await writeFile(path.join(directory, 'manifest.json'), formatManifest(manifest));
  return manifest;
}

/** Lays down an epoch with compressed segments from one number to another, as the receiver leaves them. */
export async function makeEpoch(
  backups: string,
  name: string,
  { started, from, to }: { started: Date; from: number; to: number },
): Promise<void> {
  const [system = '', hex = ''] = name.split('-');
  const timeline = Number.parseInt(hex, 16);
  const directory = path.join(backups, 'wal', name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const epoch: Epoch = {
    ...{ name, system, timeline, started: started.toISOString(), reason: 'first', startLsn: startOf(from) },
    previous: null,
  };
  await writeFile(path.join(directory, 'epoch.json'), JSON.stringify(epoch));
  let sums = '';
  for (let number = from; number <= to; number += 1) {
    const file = `${formatSegment({ timeline, number: BigInt(number) })}.zst`;
    await writeFile(path.join(directory, file), file);
    sums += `${sha256(file)}  ${file}\n`;
  }
  await writeFile(path.join(directory, 'SHA256SUMS'), sums);
}
