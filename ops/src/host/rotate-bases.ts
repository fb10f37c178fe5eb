import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type EpochFacts, planBaseRotation } from '../plan/base-retention.ts';
import { BASE_STORE, POINTS_FILE, type RestorePoint, WAL_STORE } from '../plan/bases.ts';
import type { Epoch } from '../plan/wal.ts';
import { readBaseCatalogue } from './base-catalogue.ts';
import { partialName } from './catalogue.ts';
import { syncDirectory, writeAtomically } from './files.ts';
import { explain } from './postgres.ts';
import { readRestorePoints } from './restore-points.ts';
import type { RotateRequest } from './rotate.ts';
import { listWalFiles, readEpochs, readLineage, walFileName } from './wal-archive.ts';
import { readWalState } from './wal-state.ts';

/** What is gone. */
export interface BaseRotation {
  /** Ids of base backups. */
  bases: string[];
  /** Names of whole epochs. */
  epochs: string[];
  /** Number of WAL files of other epochs. */
  files: number;
  /** Number of restore points. */
  points: number;
  /** Why nothing was deleted, for the operator; null when what may go went. */
  obstacle: string | null;
}

/**
 * Deletes base backups, WAL and restore points that retention allows to go (plan/base-retention.ts). The caller holds the
 * lock and has just taken a base backup. It may be killed anywhere: base backups go before the WAL that only they need,
 * what is half deleted has a hidden name, and the next rotation goes on.
 * @throws Failure when something cannot be deleted; what went before it is gone
 */
export async function rotateBases({ backups, keepDays, now }: RotateRequest): Promise<BaseRotation> {
  try {
    const epochs = await readEpochs(backups);
    const points = await readRestorePoints(backups);
    const plan = planBaseRotation({
      ...{ bases: (await readBaseCatalogue(backups, { thorough: false })).bases, points, now, keepDays },
      ...{ epochs: await observeEpochs(backups, epochs), files: await listWalFiles(backups, epochs) },
    });
    const wal = path.join(backups, WAL_STORE);
    await clearHidden(wal);
    for (const id of plan.bases) await deleteDirectory(path.join(backups, BASE_STORE), id);
    for (const name of plan.epochs) await deleteDirectory(wal, name);
    for (const file of plan.files) await rm(path.join(wal, file.epoch, walFileName(file)), { force: true });
    if (plan.points.length > 0) await forget(backups, points, plan.points);
    const { bases, obstacle } = plan;
    return { bases, epochs: plan.epochs, files: plan.files.length, points: plan.points.length, obstacle };
  } catch (error) {
    throw explain(error, 'old base backups could not be deleted', {
      state: 'the new base backup is there, and every other one is as it was',
      next: `check ${backups} and its disk; the next base backup tries again`,
    });
  }
}

/** The newest epoch is where the receiver is, or it went on in an older one after a restore was taken back. */
async function observeEpochs(backups: string, epochs: readonly Epoch[]): Promise<EpochFacts[]> {
  const state = await readWalState(backups);
  const newest = epochs.at(-1)?.name;
  return Promise.all(
    epochs.map(async (epoch) => ({
      epoch,
      ancestors: await readLineage(backups, epochs, epoch).then(
        ({ ancestors }) => ancestors,
        () => null,
      ),
      isCurrent: epoch.name === newest || epoch.name === state?.epoch,
    })),
  );
}

/** Hidden first, and that on the disk: what is half deleted must never have the name of something whole. */
async function deleteDirectory(store: string, name: string): Promise<void> {
  const hidden = path.join(store, partialName(name));
  await rename(path.join(store, name), hidden);
  await syncDirectory(store);
  await rm(hidden, { recursive: true });
}

/** What a killed rotation left. */
async function clearHidden(store: string): Promise<void> {
  const names = await readdir(store).catch(() => []);
  for (const name of names.filter((one) => /^\..+\.partial$/.test(one)))
    await rm(path.join(store, name), { recursive: true });
}

async function forget(
  backups: string,
  points: readonly RestorePoint[],
  expired: readonly RestorePoint[],
): Promise<void> {
  const kept = points.filter((point) => !expired.includes(point));
  const text = kept.map((point) => `${JSON.stringify(point)}\n`).join('');
  await writeAtomically(path.join(backups, POINTS_FILE), text, 0o600);
}
