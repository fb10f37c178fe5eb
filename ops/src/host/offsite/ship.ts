import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PIECE_BYTES, pieceKeys, type Shipment } from '../../plan/offsite.ts';
import { paths } from '../paths.ts';
import { readWalState } from '../wal-state.ts';
import type { Encrypt } from './age.ts';
import type { Bucket } from './bucket.ts';
import { listBackupFiles, listCompleteWal, listFreshWal, listSiteFiles } from './inventory.ts';
import { type Shipped, writeStatus } from './state.ts';

/** Everything that sending needs. */
export interface Shipper {
  bucket: Bucket;
  encrypt: Encrypt;
  shipped: Shipped;
  /** Bits a second on average; 0: as fast as it goes. */
  limit: number;
  /** What the last pass brought into the bucket. */
  shippedUntil: string | null;
}

const ATTEMPTS = 4;
const PAUSE_MILLISECONDS = 1000;

/**
 * Sends what the bucket does not have: WAL first, then restore points and settings.
 * @returns how many files went  @throws Failure after several attempts; what went before it stays
 */
export async function shipWal(shipper: Shipper): Promise<number> {
  // Read first: what is committed until now is in the files that are read later.
  const received = (await readWalState(paths.backups))?.heartbeat ?? null;
  let sent = 0;
  for (const one of [...(await listCompleteWal()), ...(await listFreshWal()), ...(await listSiteFiles())])
    sent += await shipOne(shipper, one);
  shipper.shippedUntil = received ?? shipper.shippedUntil;
  await writeStatus({ at: new Date().toISOString(), shippedUntil: shipper.shippedUntil, error: null });
  return sent;
}

/**
 * Sends base backups, dumps and photos that the bucket does not have. Between two files the WAL goes on.
 * @returns how many files went  @throws Failure as shipWal
 */
export async function shipBackups(shipper: Shipper, walSeconds: number): Promise<number> {
  let sent = 0;
  let last = Date.now();
  for (const one of await listBackupFiles()) {
    const between = async () => {
      if (Date.now() - last < walSeconds * 1000) return;
      last = Date.now();
      await shipWal(shipper);
    };
    sent += await shipOne(shipper, one, between);
    await between();
  }
  return sent;
}

async function shipOne(
  shipper: Shipper,
  shipment: Shipment,
  between: () => Promise<void> = async () => {},
): Promise<number> {
  const { shipped } = shipper;
  if (shipped.has(shipment)) return 0;
  const handle = await open(shipment.file, 'r').catch((error: NodeJS.ErrnoException) => {
    // Compressed, rotated or replaced meanwhile: the next pass sees what there is instead.
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!handle) return 0;
  try {
    const keys = pieceKeys(shipment.key, shipment.bytes);
    for (const [index, key] of keys.entries()) {
      if (index > 0) await between();
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, shipment.bytes - index * PIECE_BYTES));
      const { bytesRead } = await handle.read(piece, 0, piece.length, index * PIECE_BYTES);
      const content = piece.subarray(0, bytesRead);
      await send(shipper, key, shipment.gzip ? await compress(content) : content);
    }
  } finally {
    await handle.close();
  }
  await shipped.add(shipment);
  return 1;
}

/** Fast rather than small: most of a fresh segment is zeros. */
const compress = (content: Buffer) => promisify(gzip)(content, { level: 1 });

/** @throws Failure with the last reason */
async function send({ bucket, encrypt, limit }: Shipper, key: string, content: Uint8Array): Promise<void> {
  const encrypted = await encrypt(content);
  for (let attempts = 1; ; attempts += 1) {
    const started = Date.now();
    try {
      await bucket.put(key, encrypted);
      if (limit > 0) await delay(Math.max(0, (encrypted.length * 8000) / limit - (Date.now() - started)));
      return;
    } catch (error) {
      if (attempts === ATTEMPTS) throw error;
      // Not all at the same moment, when the bucket comes back.
      await delay(PAUSE_MILLISECONDS * 2 ** (attempts - 1) * (0.5 + Math.random()));
    }
  }
}
