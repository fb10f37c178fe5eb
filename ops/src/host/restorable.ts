import path from 'node:path';
import { type BaseManifest, WAL_STORE } from '../plan/bases.ts';
import { findStretches, type Stretch } from '../plan/restorable.ts';
import type { Epoch, WalFile } from '../plan/wal.ts';
import type { BrokenBackup } from './catalogue.ts';
import { exists } from './files.ts';
import { findDamagedWal, listWalFiles, readEpochs, readLineage, walFileName } from './wal-archive.ts';
import { readWalState } from './wal-state.ts';

/** What can be restored of one timeline. */
export interface Restorable {
  /** The cluster's system identifier. */
  system: string;
  timeline: number;
  stretches: Stretch[];
  /** The newest moment that is known to be received, ISO 8601, UTC; null on a timeline that was left. */
  until: string | null;
}

export interface WalCatalogue {
  /** The timeline that is received last. */
  restorable: Restorable[];
  /** Damaged files. */
  broken: BrokenBackup[];
}

/** Reads all WAL and says to which moments it leads. @param bases unbroken ones */
export async function readWalCatalogue(
  backups: string,
  bases: readonly BaseManifest[],
): Promise<WalCatalogue> {
  const epochs = await readEpochs(backups);
  const { good, broken } = await sortOut(backups, await listWalFiles(backups, epochs));
  const state = await readWalState(backups);
  const restorable: Restorable[] = [];
  for (const { system, timeline } of timelinesOf(epochs)) {
    const lineage = await readLineage(backups, epochs, { system, timeline }).catch(() => null);
    if (!lineage) {
      const name = `${WAL_STORE}/${system}, timeline ${timeline}`;
      broken.push({
        name,
        why: 'its history file is missing',
        next: 'make base, if it is the one that serves',
      });
      continue;
    }
    const names = new Set(epochs.filter((epoch) => epoch.system === system).map(({ name }) => name));
    const files = good.filter(({ epoch }) => names.has(epoch));
    const isReceived = state?.system === system && state.timeline === timeline;
    restorable.push({
      ...{ system, timeline, until: isReceived ? state.heartbeat : null },
      stretches: findStretches(bases, lineage, files),
    });
  }
  return { restorable, broken };
}

function timelinesOf(epochs: readonly Epoch[]): Pick<Epoch, 'system' | 'timeline'>[] {
  return [...new Map(epochs.map((epoch) => [`${epoch.system}-${epoch.timeline}`, epoch])).values()];
}

async function sortOut(
  backups: string,
  files: readonly WalFile[],
): Promise<{ good: WalFile[]; broken: BrokenBackup[] }> {
  const good: WalFile[] = [];
  const broken: BrokenBackup[] = [];
  let rest = [...files];
  while (rest.length > 0) {
    const damaged = await findDamagedWal(backups, rest);
    const index = damaged ? rest.indexOf(damaged.file) : rest.length;
    good.push(...rest.slice(0, index));
    rest = rest.slice(index + 1);
    if (!damaged) break;
    // The receiver had not done with it, or a rotation deleted it: nobody holds the lock here.
    const { epoch, segment } = damaged.file;
    const isInWork = files.some(
      (file) => file.segment === segment && file.epoch === epoch && file.kind === 'plain',
    );
    const name = `${WAL_STORE}/${epoch}/${walFileName(damaged.file)}`;
    if (isInWork || !(await exists(path.join(backups, name)))) continue;
    broken.push({
      ...{ name, why: damaged.why },
      next: 'make base now: what comes after it can be restored from a later base backup only',
    });
  }
  return { good, broken };
}
