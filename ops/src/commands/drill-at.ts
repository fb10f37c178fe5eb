import { randomInt } from 'node:crypto';
import type { Settings } from '../config/validate.ts';
import { readBases } from '../host/base-catalogue.ts';
import { attempt, lastLines } from '../host/exec.ts';
import { VOLUME_ROOT } from '../host/isolated.ts';
import { recordEvent } from '../host/ledger.ts';
import { paths } from '../host/paths.ts';
import { psql } from '../host/postgres.ts';
import {
  inVolume,
  removeScratch,
  type ScratchRequest,
  startScratch,
  stopScratch,
} from '../host/scratch-cluster.ts';
import { listWalFiles, readEpochs, readLineage } from '../host/wal-archive.ts';
import { findCommitTime } from '../host/wal-commits.ts';
import type { BackupEvent } from '../plan/backup-events.ts';
import { chainOf, describeTarget, isOfLineage, recoverySettings } from '../plan/restore-at.ts';
import { findWalPath, parseLsn } from '../plan/wal.ts';
import { Failure, toFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { checkArchive } from './restore-at-scratch.ts';

/** A heartbeat is written every five seconds; a receiver that hung for longer is killed after fifteen. */
const HEARTBEAT_SECONDS = 20;
/** How often another instant is tried when the heartbeat is too old: postgres may just have been started. */
const TRIES = 3;

/**
 * Recovers a random base backup to a random commit in a cluster that nobody reaches, and proves it: the heartbeat then is
 * of that moment, pg_amcheck finds every table and index sound, and pg_checksums every page. The caller holds the lock.
 * @throws Failure for FAIL and NOT RUN, after both are in the ledger
 */
export async function drillAt(settings: Settings): Promise<void> {
  const started = new Date();
  const record = (result: BackupEvent['result'], more: Partial<BackupEvent> = {}) =>
    recordEvent({
      ...{ what: 'drill-at', result, started: started.toISOString() },
      ...{ seconds: (Date.now() - started.getTime()) / 1000, ...more },
    });
  const ground = await findGround(settings).catch(async (error: Error) => {
    await record('not-run', { why: error.message });
    note('\nNOT RUN: whether an instant can be restored is not known');
    throw error;
  });
  try {
    const target = await rehearse(settings, ground);
    await record('pass', { backup: ground.base.id, target });
    const seconds = ((Date.now() - started.getTime()) / 1000).toFixed(1);
    note(`\nPASS: ${ground.base.id} recovered to ${target} and found sound in ${seconds} s`);
  } catch (error) {
    const failure = toFailure(error);
    await record('fail', { backup: ground.base.id, why: failure.message });
    note(`\nFAIL: ${ground.base.id} and its WAL cannot be restored to an instant`);
    throw new Failure(failure.message, {
      ...failure.details,
      state: 'the live database was not touched',
      next: 'make base now, then make drill again; make backups names what is damaged',
    });
  }
}

type Ground = Awaited<ReturnType<typeof findGround>>;

/** A random base backup of the cluster that serves, with the WAL after it. */
async function findGround(settings: Settings) {
  const epochs = await readEpochs(paths.backups);
  const newest = epochs.at(-1);
  if (!newest) throw new Failure('no WAL was received yet', { next: 'make health' });
  const lineage = await readLineage(paths.backups, epochs, newest);
  const own = epochs.filter(({ system }) => system === newest.system);
  const bases = await readBases(paths.backups);
  const usable = bases.filter((base) => isOfLineage(base, lineage));
  const base = usable[randomInt(Math.max(1, usable.length))];
  if (!base) throw new Failure('there is no base backup of the cluster that serves', { next: 'make base' });
  const wal = findWalPath(parseLsn(base.startLsn), lineage, await listWalFiles(paths.backups, own));
  const image = settings.POSTGRES_IMAGE;
  return { base, chain: chainOf(base, bases), wal, lineage, image };
}

async function rehearse(settings: Settings, ground: Ground): Promise<string> {
  const { chain, wal, lineage, image } = ground;
  const name = `${settings.COMPOSE_PROJECT_NAME}-drill-at`;
  const place = { image, volume: name };
  await attempt('docker', ['rm', '--force', name]);
  await attempt('docker', ['volume', 'rm', '--force', name]);
  try {
    await checkArchive({ chain, wal, target: { kind: 'latest' }, place });
    for (let tries = 1; ; tries += 1) {
      const at = await pickMoment(ground);
      const target = { kind: 'time' as const, at };
      const request: ScratchRequest = {
        ...{ name, ...place, directory: 'drill', backups: paths.backups, chain },
        ...{ scripts: `${paths.root}/compose/wal`, settings: recoverySettings(target, lineage.timeline) },
      };
      await step(`recovered to ${at}`, (progress) => startScratch(request, progress));
      const age = await readHeartbeatAge(name, at);
      if (age > HEARTBEAT_SECONDS && tries < TRIES) {
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
      return describeTarget(target);
    }
  } finally {
    await attempt('docker', ['rm', '--force', name]);
    await attempt('docker', ['volume', 'rm', '--force', name]);
  }
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
