import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { WAL_STORE } from '../plan/bases.ts';
import type { Epoch } from '../plan/wal.ts';
import type { WalState } from '../plan/wal-health.ts';
import { readBases } from './base-catalogue.ts';
import { readEpochs } from './wal-archive.ts';

/**
 * What the receiver says of itself.
 * @param backups directory of all backups  @returns null before its first word, and when the file cannot be read
 */
export async function readWalState(backups: string): Promise<WalState | null> {
  try {
    return JSON.parse(await readFile(path.join(backups, WAL_STORE, 'state.json'), 'utf8')) as WalState;
  } catch {
    return null;
  }
}

/** The epoch that the receiver is in, and whether a base backup began in it. */
export async function readCurrentEpoch(
  backups: string,
  state: WalState | null,
): Promise<{ epoch: Epoch | null; isBased: boolean }> {
  if (!state?.epoch) return { epoch: null, isBased: false };
  const epoch = (await readEpochs(backups)).find(({ name }) => name === state.epoch) ?? null;
  const bases = await readBases(backups);
  return { epoch, isBased: bases.some((base) => base.epoch === state.epoch) };
}
