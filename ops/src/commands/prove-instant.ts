import { randomInt } from 'node:crypto';
import { readBases } from '../host/base-catalogue.ts';
import { attempt, lastLines } from '../host/exec.ts';
import { VOLUME_ROOT } from '../host/isolated.ts';
import { paths } from '../host/paths.ts';
import { psql } from '../host/postgres.ts';
import {
  inVolume,
  removeScratch,
  type ScratchCluster,
  type ScratchRequest,
  startScratch,
  stopScratch,
} from '../host/scratch-cluster.ts';
import { removeThrowaway } from '../host/throwaway.ts';
import { listWalFiles, readEpochs, readLineage } from '../host/wal-archive.ts';
import { findCommitTime } from '../host/wal-commits.ts';
import { chainOf, isOfLineage, type RestoreTarget, recoverySettings } from '../plan/restore-at.ts';
import { findWalPath, parseLsn } from '../plan/wal.ts';
import { Failure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { checkArchive } from './restore-at-scratch.ts';

/** A heartbeat is written every five seconds; a receiver that hung for longer is killed after fifteen. */
const HEARTBEAT_SECONDS = 20;
/** How often another instant is tried when the heartbeat is too old: postgres may just have been started. */
const TRIES = 3;

export type Ground = Awaited<ReturnType<typeof findGround>>;

/**
 * A base backup of the cluster that served last, chosen by chance or the newest, with the WAL after it.
 * @param backups directory of all of it  @param image of postgres  @throws Failure when there is none
 */
export async function findGround(backups: string, image: string, which: 'random' | 'newest') {
  const epochs = await readEpochs(backups);
  const newest = epochs.at(-1);
  if (!newest) throw new Failure('no WAL was received yet', { next: 'make health' });
  const lineage = await readLineage(backups, epochs, newest);
  const own = epochs.filter(({ system }) => system === newest.system);
  const bases = await readBases(backups);
  const usable = bases.filter((base) => isOfLineage(base, lineage));
  const base = which === 'newest' ? usable.at(-1) : usable[randomInt(Math.max(1, usable.length))];
  if (!base) throw new Failure('there is no base backup of the cluster that serves', { next: 'make base' });
  const wal = findWalPath(parseLsn(base.startLsn), lineage, await listWalFiles(backups, own));
  return { backups, base, chain: chainOf(base, bases), wal, lineage, image };
}

/**
 * Recovers a base backup in a cluster that nobody reaches, and proves it: the heartbeat then is of that moment, pg_amcheck
 * finds every table and index sound, and pg_checksums every page.
 * @param name of container and volume  @param until a random commit, or the last one
 * @returns the moment that it was recovered to, ISO 8601, UTC  @throws Failure
 */
export async function proveInstant(
  ground: Ground,
  name: string,
  until: 'random' | 'latest',
): Promise<string> {
  const { backups, chain, wal, lineage, image } = ground;
  const place = { image, volume: name };
  await removeThrowaway(name);
  try {
    await checkArchive({ backups, chain, wal, target: { kind: 'latest' }, place });
    for (let tries = 1; ; tries += 1) {
      const target: RestoreTarget =
        until === 'latest' ? { kind: 'latest' } : { kind: 'time', at: await pickMoment(ground) };
      const request: ScratchRequest = {
        ...{ name, ...place, directory: 'drill', backups, chain },
        ...{ scripts: `${paths.root}/compose/wal`, settings: recoverySettings(target, lineage.timeline) },
      };
      const words = target.kind === 'time' ? `recovered to ${target.at}` : 'recovered to the last commit';
      const cluster = await step(words, (progress) => startScratch(request, progress));
      const at = target.kind === 'time' ? target.at : requireCommit(cluster);
      const age = await readHeartbeatAge(name, at);
      if (age > HEARTBEAT_SECONDS && tries < TRIES && until === 'random') {
        note(`  the heartbeat is ${age} s older: another instant`);
        await removeScratch(request);
        continue;
      }
      if (age > HEARTBEAT_SECONDS) throw new Failure(`the heartbeat in it is ${age} s older than ${at}`);
      await step('every table and index sound (pg_amcheck)', () => checkTables(name));
      await step('every page as its checksum says (pg_checksums)', async () => {
        await stopScratch(name);
        await inVolume(place, 'pg_checksums', '--check', '--pgdata', `${VOLUME_ROOT}/drill`);
      });
      return at;
    }
  } finally {
    await removeThrowaway(name);
  }
}

function requireCommit({ lastCommit }: ScratchCluster): string {
  if (lastCommit) return lastCommit;
  throw new Failure('nothing was committed since the base backup');
}

/** The moment of a commit somewhere between the base backup's end and the end of the WAL. */
async function pickMoment({ base, wal, image }: Ground): Promise<string> {
  const start = randomInt(wal.files.length);
  for (const file of [...wal.files.slice(start), ...wal.files.slice(0, start)]) {
    const time = await findCommitTime(image, file);
    // A commit must come after the instant, or recovery would run past the end of the WAL.
    const moment = time && new Date(Date.parse(time) - 1).toISOString();
    if (moment && moment > base.ended) return moment;
  }
  throw new Failure('nothing was committed since the base backup');
}

async function readHeartbeatAge(container: string, at: string): Promise<number> {
  const query = `select ceil(extract(epoch from '${at}'::timestamptz - at)) from atlas_wal.heartbeat;`;
  const age = (await psql(container, 'postgres', query)).trim();
  return age === '' ? Number.POSITIVE_INFINITY : Number(age);
}

async function checkTables(container: string): Promise<void> {
  const writable = ['--env', 'PGOPTIONS=-c default_transaction_read_only=off'];
  const command = ['pg_amcheck', '-U', 'postgres', '--all', '--install-missing', '--heapallindexed'];
  const { exitCode, stdout, stderr } = await attempt('docker', ['exec', ...writable, container, ...command]);
  if (exitCode !== 0)
    throw new Failure('pg_amcheck found damage', {
      log: lastLines(stdout + stderr),
      command: command.join(' '),
    });
}
