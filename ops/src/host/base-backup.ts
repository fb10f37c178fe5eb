import { readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { findShortage, formatStamp, MANIFEST_FILE } from '../plan/backups.ts';
import { chooseParent } from '../plan/base-parent.ts';
import { BASE_FILES, BASE_STORE, type BaseManifest } from '../plan/bases.ts';
import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { readBaseCatalogue } from './base-catalogue.ts';
import { partialName } from './catalogue.ts';
import { hashFile } from './copy-hashed.ts';
import { measureSpace } from './disks.ts';
import { attempt, run } from './exec.ts';
import { syncDirectory, writeAtomically } from './files.ts';
import { formatManifest } from './manifest.ts';
import { explain, findImageId, isoTime, psql, toMegabytes } from './postgres.ts';

export interface BaseRequest {
  /** Of the server, and of the WAL receiver, in which pg_basebackup runs. */
  postgresContainer: string;
  walContainer: string;
  /** Reference of the image that both run from. */
  postgresImage: string;
  /** Name of the epoch that the receiver writes. */
  epoch: string;
  /** Directory of all backups. */
  backups: string;
  /** BASE_FULL_BELOW_MB: a bigger cluster gets a full one a week and differences in between. */
  fullBelowMegabytes: number;
  now?: Date;
  progress?: (text: string) => void;
}

const VERIFY = '.verify';

interface Cluster {
  bytes: number;
  version: string;
  tablespaces: string[];
}

const ASK = `
select json_build_object('bytes', (select sum(pg_database_size(oid)) from pg_database),
  'version', current_setting('server_version'),
  'tablespaces', (select coalesce(json_agg(spcname), '[]') from pg_tablespace where spcname !~ '^pg_'));`;

/**
 * Takes a base backup of the whole cluster, or the difference to the newest one (plan/base-parent.ts), unpacks it from the disk and lets pg_verifybackup read every file of it and the
 * WAL that it needs; only then it gets a manifest and its name. The caller holds the lock.
 * @throws Failure, with nothing left of it
 */
export async function takeBaseBackup(request: BaseRequest): Promise<BaseManifest> {
  const { walContainer, backups, now = new Date(), progress = () => {} } = request;
  const id = `${formatStamp(now)}-base`;
  const store = path.join(backups, BASE_STORE);
  const partial = path.join(store, partialName(id));
  try {
    await clearLeftovers(store);
    const cluster = await requireRoom(request, store);
    progress('copy');
    const parent = await copy(request, partialName(id), cluster.bytes, now);
    const ended = await readClock(request.postgresContainer);
    progress('verify');
    await inReceiver(walContainer, 'bash', '/etc/wal-atlas/verify.sh', partialName(id), VERIFY);
    const manifest = await describe(request, { id, partial, now, ended, cluster, parent });
    await writeAtomically(path.join(partial, MANIFEST_FILE), formatManifest(manifest), 0o600);
    await syncDirectory(partial);
    await rename(partial, path.join(store, id));
    await syncDirectory(store);
    return manifest;
  } catch (error) {
    await clearLeftovers(store).catch(() => {});
    throw explain(error, 'the base backup was not taken', {
      state: 'every earlier one is as it was',
      next: 'mend that, then make base',
    });
  }
}

/** @returns id of the base backup that it is the difference to; null when it is a full one */
async function copy(
  request: BaseRequest,
  directory: string,
  bytes: number,
  now: Date,
): Promise<string | null> {
  const { backups, epoch, fullBelowMegabytes, walContainer } = request;
  const { bases } = await readBaseCatalogue(backups, { thorough: false });
  const parent = chooseParent({ bases, epoch, bytes, now, fullBelowMegabytes });
  if (parent) {
    const to = `--incremental=/base/${parent.id}/${BASE_FILES.manifest}`;
    try {
      await inReceiver(walContainer, 'pg_basebackup', ...arguments_(directory), to);
      return parent.id;
    } catch (error) {
      // Summaries of the WAL since then may be gone, or its manifest damaged: a full one needs neither.
      if (!/summar|manifest|incremental/i.test(describeFailure(error))) throw error;
      note(`  note: no difference to ${parent.id} can be taken, so a full one: ${(error as Error).message}`);
      await clearLeftovers(path.join(backups, BASE_STORE));
    }
  }
  await inReceiver(walContainer, 'pg_basebackup', ...arguments_(directory));
  return null;
}

const describeFailure = (error: unknown) =>
  error instanceof Failure ? `${error.message} ${error.details.log ?? ''}` : String(error);

// A fast checkpoint: with a spread one this would wait for minutes.
const arguments_ = (directory: string) => [
  ...['--host=postgres', '--username=atlas_wal', '--no-password', `--pgdata=/base/${directory}`],
  ...['--format=tar', '--wal-method=stream', '--checkpoint=fast', '--compress=client-zstd:level=3'],
  ...['--manifest-checksums=SHA256', '--label=atlas'],
];

/** Who serves goes first. */
async function inReceiver(container: string, ...command: string[]): Promise<void> {
  await run('docker', ['exec', container, 'nice', ...command]);
}

async function clearLeftovers(store: string): Promise<void> {
  const names = (await readdir(store).catch(() => [])).filter((name) => name.startsWith('.'));
  for (const name of names) await rm(path.join(store, name), { recursive: true, force: true });
}

/** Packed it is smaller, but it is unpacked beside itself to be verified. */
async function requireRoom({ postgresContainer }: BaseRequest, store: string): Promise<Cluster> {
  const cluster = JSON.parse(await psql(postgresContainer, 'postgres', ASK)) as Cluster;
  if (cluster.tablespaces.length > 0)
    throw new Failure(`there are tablespaces: ${cluster.tablespaces.join(', ')}`, {
      next: 'move what is in them to pg_default and drop them: base backups hold one directory',
    });
  const { freeBytes } = await measureSpace(store);
  const shortage = findShortage(freeBytes, cluster.bytes * 2);
  if (shortage === 0) return cluster;
  throw new Failure(
    `the disk is too full for a base backup of ${toMegabytes(cluster.bytes)} MB, unpacked beside itself`,
    {
      next: `free ${toMegabytes(shortage)} MB where ${store} lies, then make base`,
    },
  );
}

const CLOCK = `select ${isoTime('clock_timestamp()')};`;

async function readClock(container: string): Promise<string> {
  return (await psql(container, 'postgres', CLOCK)).trim();
}

interface Taken {
  id: string;
  partial: string;
  now: Date;
  ended: string;
  cluster: Cluster;
  parent: string | null;
}

interface PgManifest {
  'System-Identifier': number;
  'WAL-Ranges': { Timeline: number; 'Start-LSN': string; 'End-LSN': string }[];
}

async function describe(request: BaseRequest, taken: Taken): Promise<BaseManifest> {
  const { partial, now, cluster } = taken;
  const text = await readFile(path.join(partial, BASE_FILES.manifest), 'utf8');
  const range = (JSON.parse(text) as PgManifest)['WAL-Ranges'].at(-1);
  // Too long a number for JSON.parse.
  const [, system = ''] = /"System-Identifier": (\d+)/.exec(text) ?? [];
  if (!range || !system) throw new Failure('pg_basebackup does not say which WAL it needs');
  const files = [];
  for (const name of Object.values(BASE_FILES)) {
    const content = await hashFile(path.join(partial, name));
    if (!content) throw new Failure(`pg_basebackup wrote no ${name}`);
    files.push({ name, ...content });
  }
  return {
    ...{ format: 1, kind: 'base', id: taken.id, system, epoch: request.epoch },
    ...{ timeline: range.Timeline, startLsn: range['Start-LSN'], endLsn: range['End-LSN'] },
    ...{ started: now.toISOString(), ended: taken.ended, parent: taken.parent, bytes: cluster.bytes },
    postgres: {
      version: cluster.version,
      image: request.postgresImage,
      imageId: await findImageId(request.postgresContainer),
    },
    ...{ files, seconds: (Date.now() - now.getTime()) / 1000, verified: new Date().toISOString() },
  };
}

/** Whether pg_basebackup runs in the receiver's container: a killed command of ours leaves it behind. */
export async function endBaseBackup(walContainer: string): Promise<void> {
  await attempt('docker', ['exec', walContainer, 'pkill', '-x', 'pg_basebackup']);
}
