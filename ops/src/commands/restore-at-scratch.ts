import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { scratchDirectory } from '../host/cluster-swap.ts';
import { verifyFiles } from '../host/digest.ts';
import { takeDump } from '../host/dump.ts';
import { paths } from '../host/paths.ts';
import { psql } from '../host/postgres.ts';
import { createRestorePoint } from '../host/restore-points.ts';
import { listApplied } from '../host/schema.ts';
import {
  removeScratch,
  type ScratchCluster,
  type ScratchRequest,
  startScratch,
} from '../host/scratch-cluster.ts';
import { findDamagedWal, walFileName } from '../host/wal-archive.ts';
import { findCommitTime } from '../host/wal-commits.ts';
import { formatStamp } from '../plan/backups.ts';
import { BASE_STORE } from '../plan/bases.ts';
import { recoverySettings } from '../plan/restore-at.ts';
import type { WalPath } from '../plan/wal.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import type { RestoreAtFacts } from './restore-at-facts.ts';

const SEAL_SECONDS = 10;

/** A scratch cluster, and what it was asked to be. */
export interface Recovered {
  request: ScratchRequest;
  cluster: ScratchCluster;
}

/**
 * Marks where the present ends, with a commit behind the mark, and waits for the receiver to have both: recovery to an
 * instant stops at the first commit after it. A receiver that does not take it is said, and stops nothing.
 */
export async function seal(postgres: string, now: Date): Promise<void> {
  await step('restore point of the present, received', async () => {
    await createRestorePoint(postgres, `restore-${formatStamp(now)}`, paths.backups);
    const beat = 'update atlas_wal.heartbeat set at = clock_timestamp(); select pg_current_wal_flush_lsn();';
    const lsn = (await psql(postgres, 'postgres', beat)).trim();
    const received = `select bool_or(flush_lsn >= '${lsn}') from pg_stat_replication where usename = 'atlas_wal';`;
    for (let tries = 0; tries < SEAL_SECONDS * 10; tries += 1) {
      if ((await psql(postgres, 'postgres', received)).trim() === 't') return undefined;
      await delay(100);
    }
    return `the receiver has not got ${lsn}: make health`;
  });
}

/** What is read, and how far it must lead. */
type Archive = Pick<RestoreAtFacts, 'backups' | 'chain' | 'wal' | 'target' | 'place'>;

/** Every file that will be read is as it was written, and none is missing. @throws Failure naming the first (exit 2) */
export async function checkArchive(facts: Archive): Promise<void> {
  await step('base backup as it was written', async () => {
    for (const base of facts.chain)
      await verifyFiles(base, path.join(facts.backups, BASE_STORE, base.id)).catch((error: Failure) => {
        throw new Failure(error.message, {
          state: 'nothing was changed',
          next: 'an earlier moment, which another base backup leads to: make backups; make base, so that later ones can be restored again',
          exitCode: EXIT.usage,
        });
      });
  });
  await step('WAL without a gap and as it was written', async (progress) => {
    const { files, missing } = facts.wal;
    const damaged = await findDamagedWal(facts.backups, files, progress);
    if (damaged) {
      const name = `${damaged.file.epoch}/${walFileName(damaged.file)}`;
      const before = files.slice(0, files.indexOf(damaged.file));
      await requireReach(facts, before, `${name} ${damaged.why}`);
    } else if (missing) await requireReach(facts, files, `${missing} is missing`);
    return `${files.length} files`;
  });
}

/** What is broken after the target is no obstacle. */
async function requireReach(facts: Archive, before: WalPath['files'], trouble: string): Promise<void> {
  const last = before.at(-1);
  const reached = last ? await findCommitTime(facts.place.image, last) : null;
  const { target } = facts;
  if (target.kind === 'time' && reached && Date.parse(reached) > Date.parse(target.at)) {
    note(`  note: ${trouble}; that is after the target`);
    return;
  }
  throw new Failure(`the WAL is broken: ${trouble}`, {
    state: 'nothing was changed',
    next: reached
      ? `AT="${reached.replace('T', ' ')}" or earlier; make base, so that later moments can be restored again`
      : 'make restore FROM=<a backup>; make base, so that later moments can be restored again',
    exitCode: EXIT.usage,
  });
}

/** @throws Failure, with nothing left of it */
export async function recover(settings: Settings, facts: RestoreAtFacts, now: Date): Promise<Recovered> {
  const { place, chain, target, lineage } = facts;
  const request: ScratchRequest = {
    ...{ name: `${settings.COMPOSE_PROJECT_NAME}-restore`, ...place, directory: scratchDirectory(now) },
    ...{ backups: paths.backups, scripts: path.join(paths.root, 'compose/wal'), chain },
    settings: recoverySettings(target, lineage.timeline),
  };
  const cluster = await step('a copy of the cluster recovered', (progress) =>
    startScratch(request, progress),
  );
  return { request, cluster };
}

/**
 * A backup like any other of what the recovered cluster holds, which then goes.
 * @returns its id
 */
export async function keepAsBackup(
  settings: Settings,
  { release }: RestoreAtFacts,
  { request, cluster }: Recovered,
): Promise<string> {
  const manifest = await takeDump({
    ...{ postgresContainer: cluster.container, postgresImage: settings.POSTGRES_IMAGE, release, watch: step },
    ...{
      reason: 'of-that-instant',
      migrations: (await listApplied(cluster.container)).map(({ name }) => name),
    },
  });
  await removeScratch(request);
  return manifest.id;
}
