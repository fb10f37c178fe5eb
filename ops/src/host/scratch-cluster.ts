import { setTimeout as delay } from 'node:timers/promises';
import { findShortage, parseFreeBytes } from '../plan/backups.ts';
import { BASE_STORE, type BaseManifest, WAL_STORE } from '../plan/bases.ts';
import { Failure } from '../report/failure.ts';
import { lastLogLines } from './containers.ts';
import { attempt, lastLines, run } from './exec.ts';
import { ISOLATED, ISOLATED_SERVER, VOLUME_ROOT } from './isolated.ts';
import { isoTime, toMegabytes } from './postgres.ts';

const CONFIG = '/etc/wal-atlas';

export interface ScratchRequest {
  /** Of the container; what an earlier one left under it is removed first. */
  name: string;
  image: string;
  /** Name of the volume, and of the new directory in it. */
  volume: string;
  directory: string;
  /** Absolute paths on the host: all backups, and compose/wal with extract.sh and fetch.sh. */
  backups: string;
  scripts: string;
  /** A full base backup and the differences to it, oldest first. */
  chain: readonly BaseManifest[];
  /** What plan/restore-at.ts recoverySettings made. */
  settings: readonly string[];
}

/** A cluster that was recovered beside the one that serves. */
export interface ScratchCluster {
  container: string;
  /** The moment of the last commit that was replayed, as ISO 8601 in UTC; null when there was none. */
  lastCommit: string | null;
  /** Position up to which the WAL was replayed. */
  lsn: string;
}

const isolated = ({ name, image, volume, backups, scripts }: ScratchRequest, ...options: string[]) => [
  ...['run', '--name', name, ...ISOLATED_SERVER],
  ...['--volume', `${volume}:${VOLUME_ROOT}`],
  ...['--volume', `${backups}/${BASE_STORE}:/base:ro`, '--volume', `${backups}/${WAL_STORE}:/wal:ro`],
  ...['--volume', `${scripts}:${CONFIG}:ro`, ...options, image],
];

/**
 * Unpacks a base backup into a directory of the volume and recovers it, without a network, up to its target, or without one
 * to the end of the WAL. Then it is a cluster of its own, on a timeline of its own, that can be read and not written.
 * @param progress called with the position that was reached
 * @throws Failure with the last lines of the log; what there is of it is removed
 */
export async function startScratch(
  request: ScratchRequest,
  progress: (text: string) => void = () => {},
): Promise<ScratchCluster> {
  await removeScratch(request);
  await requireRoom(request);
  try {
    await unpack(request, progress);
    progress('recovery');
    const settings = [
      ...['listen_addresses=', 'hot_standby=on', 'archive_mode=off', 'max_connections=100'],
      // Whoever looks into it must not be able to change it; the cluster's own settings are untouched.
      'default_transaction_read_only=on',
      `restore_command=bash ${CONFIG}/fetch.sh %f %p`,
      ...request.settings,
    ];
    const postgres = ['postgres', '-D', `${VOLUME_ROOT}/${request.directory}`];
    await run('docker', [
      ...isolated(request, '--detach', '--memory', '768m', '--entrypoint', ''),
      ...[...postgres, ...settings.map((setting) => `-c${setting}`)],
    ]);
    return await waitForTarget(request.name, progress);
  } catch (error) {
    await removeScratch(request).catch(() => {});
    throw error;
  }
}

/** The volume is that of the cluster that serves: a full disk would stop that. */
async function requireRoom(request: ScratchRequest): Promise<void> {
  const bytes = request.chain.at(-1)?.bytes ?? 0;
  // Parts are unpacked one beside the other and then put together.
  const needed = request.chain.length > 1 ? bytes * 3 : bytes;
  const free = parseFreeBytes(await inVolume(request, 'df', '-Pk', VOLUME_ROOT));
  const shortage = findShortage(free, needed);
  if (shortage === 0) return;
  throw new Failure(
    `the disk is too full for a copy of the cluster, ${toMegabytes(needed)} MB, and 500 MB to spare`,
    {
      state: 'nothing was changed',
      next: `free ${toMegabytes(shortage)} MB where the volume ${request.volume} lies, then the same command again`,
    },
  );
}

async function unpack(request: ScratchRequest, progress: (text: string) => void): Promise<void> {
  progress('unpack');
  const ids = request.chain.map(({ id }) => id);
  await run('docker', [
    ...isolated(request, '--rm', '--memory', '512m', '--entrypoint', 'bash'),
    ...[`${CONFIG}/extract.sh`, `${VOLUME_ROOT}/${request.directory}`, ...ids],
  ]);
}

interface Replay {
  recovers: boolean;
  lsn: string;
  commit: string | null;
}

const REPLAY = `
select json_build_object('recovers', pg_is_in_recovery(),
  'lsn', coalesce(pg_last_wal_replay_lsn(), '0/0'),
  'commit', ${isoTime('pg_last_xact_replay_timestamp()')});`;

async function waitForTarget(name: string, progress: (text: string) => void): Promise<ScratchCluster> {
  for (;;) {
    const replay = await attempt('docker', [
      ...['exec', name, 'psql', '-XAtq', '-U', 'postgres', '-d', 'postgres', '-c', REPLAY],
    ]);
    if (replay.exitCode === 0) {
      const { recovers, lsn, commit } = JSON.parse(replay.stdout) as Replay;
      if (!recovers) return { container: name, lastCommit: commit, lsn };
      progress(commit ? `at ${commit.slice(0, 19)}Z` : `at ${lsn}`);
    } else {
      const { stdout } = await attempt('docker', ['inspect', '--format', '{{.State.Running}}', name]);
      if (stdout.trim() !== 'true') throw await explainEnd(name);
    }
    await delay(500);
  }
}

/** Postgres gives up when the WAL ends before the target. */
async function explainEnd(name: string): Promise<Failure> {
  const log = await lastLogLines(name, 200);
  const [, reached] = /last completed transaction was at log time (.+)/.exec(log) ?? [];
  if (log.includes('recovery ended before configured recovery target was reached'))
    return new Failure('the WAL ends before that target', {
      log: lastLines(log, 6),
      next: reached ? `AT="${reached.trim()}", or LATEST=1` : 'an earlier target, or LATEST=1',
    });
  return new Failure('the cluster could not be recovered', {
    command: `docker logs ${name}`,
    log: lastLines(log),
  });
}

/** Stops it cleanly and removes its container; the directory stays. @throws Failure when it had to be killed */
export async function stopScratch(container: string): Promise<void> {
  await run('docker', ['stop', '--time', '300', container]);
  const exit = await run('docker', ['inspect', '--format', '{{.State.ExitCode}}', container]);
  if (exit.trim() !== '0')
    throw new Failure(`the recovered cluster did not stop cleanly (exit ${exit.trim()})`, {
      log: await lastLogLines(container),
    });
  await run('docker', ['rm', container]);
}

/** Removes container and directory of a scratch cluster, as far as they are there. */
export async function removeScratch(
  request: Pick<ScratchRequest, 'name' | 'image' | 'volume' | 'directory'>,
): Promise<void> {
  await attempt('docker', ['rm', '--force', request.name]);
  await inVolume(request, 'rm', '-rf', `${VOLUME_ROOT}/${request.directory}`);
}

/** Runs a command with the volume and nothing else. @returns its output  @throws Failure */
export async function inVolume(
  { image, volume }: { image: string; volume: string },
  program: string,
  ...args: string[]
): Promise<string> {
  return run('docker', [
    ...['run', '--rm', ...ISOLATED, '--volume', `${volume}:${VOLUME_ROOT}`],
    ...['--entrypoint', program, image, ...args],
  ]);
}
