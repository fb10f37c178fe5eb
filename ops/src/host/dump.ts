import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type BackupFile,
  DATABASE,
  DRILL_FILE,
  type DrillRecord,
  DUMP_FILE,
  findShortage,
  formatBackupId,
  GLOBALS_FILE,
  MANIFEST_FILE,
  type Manifest,
  MEDIA_LIST,
  type MediaFile,
  type MediaRecord,
} from '../plan/backups.ts';
import { mergeMedia } from '../plan/media-files.ts';
import { Failure } from '../report/failure.ts';
import { listBackups, partialName } from './catalogue.ts';
import { verifyFiles } from './digest.ts';
import { measureSpace } from './disks.ts';
import { attempt } from './exec.ts';
import { syncDirectory, writeAtomically } from './files.ts';
import { withSnapshot } from './fingerprints.ts';
import { formatManifest } from './manifest.ts';
import { collectMedia, readMediaList, writeMediaList } from './media-store.ts';
import { paths } from './paths.ts';
import { endSessions, explain, findImageId, inContainer, psql, toMegabytes } from './postgres.ts';
import { streamToFile } from './stream-to-file.ts';

/** Shows one part of the work while it runs, as report/steps.ts does. */
export type Watch = <T>(
  label: string,
  action: (progress: (text: string) => void) => Promise<T>,
) => Promise<T>;

export interface DumpRequest {
  postgresContainer: string;
  /** Reference of the image that postgres runs from. */
  postgresImage: string;
  /** The release that is current. */
  release: string;
  reason: string;
  /** Names of the applied migrations. */
  migrations: readonly string[];
  /** Photos: a directory to keep the files of, or the bucket that keeps them; without it they are not part of the backup. */
  media?: { uploads: string } | Extract<MediaRecord, { storage: 's3' }>;
  /** Directory of all backups. */
  backups?: string;
  now?: Date;
  /** By default nothing is shown. */
  watch?: Watch;
}

/**
 * Dumps the database into a directory of its own under backups/, with a manifest that proves it: SHA-256 of
 * each file, and a fingerprint of each table from the snapshot that was dumped. Everything is read back before the
 * directory gets its name. The caller holds the lock: whatever another dump left unfinished is removed first.
 * @throws Failure when the disk is too full, before anything is written, or when a dump fails, leaving nothing
 */
export async function takeDump(request: DumpRequest): Promise<Manifest> {
  const { postgresContainer: container, backups = paths.backups, now = new Date() } = request;
  const id = formatBackupId(now, request.reason);
  const partial = path.join(backups, partialName(id));
  try {
    await removeLeftovers(container, backups);
    const bytes = await requireSpace(container, backups);
    await mkdir(partial, { mode: 0o700 });
    const manifest = await fill(request, { id, now, bytes, backups, directory: partial });
    await publish(manifest, partial, path.join(backups, id));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    await endSessions(container).catch(() => {});
    throw explain(error, 'the dump was not taken', {
      state: 'no backup was made; the database is as it was',
      next: 'mend that, then run the same command again',
    });
  }
}

interface Place {
  id: string;
  now: Date;
  /** Size of the database. */
  bytes: number;
  backups: string;
  directory: string;
}

/** Everything of a backup but its name, in the order that makes each photo row of the dump have its file. */
async function fill(request: DumpRequest, { id, now, bytes, backups, directory }: Place): Promise<Manifest> {
  const { postgresContainer: container, watch = (_, action) => action(() => {}) } = request;
  const started = Date.now();
  const media = await openMedia(request.media, backups);
  // A first time before the snapshot: a photo that is deleted between snapshot and copy has its file from here.
  if (media.isLocal) await watch('photos', media.collect);
  const dumped = await watch('dump', (progress) => writeDump(container, directory, progress));
  if (media.isLocal) await watch('photos since then', media.collect);
  const { record, files: lists } = await media.finish(directory);
  const manifest: Manifest = {
    ...{ format: 1, id, time: now.toISOString(), release: request.release, reason: request.reason },
    database: { name: DATABASE, bytes },
    migrations: [...request.migrations],
    postgres: {
      version: dumped.version,
      image: request.postgresImage,
      imageId: await findImageId(container),
    },
    media: record,
    files: [...dumped.files, ...lists],
    ...{ tables: dumped.tables, seconds: 0, verified: '' },
  };
  await watch('read back', async () => {
    for (const file of manifest.files) await forgetCached(path.join(directory, file.name));
    await verifyFiles(manifest, directory);
  });
  return { ...manifest, seconds: (Date.now() - started) / 1000, verified: new Date().toISOString() };
}

async function openMedia(wanted: DumpRequest['media'], backups: string) {
  if (!wanted || 'storage' in wanted) {
    const record: MediaRecord = wanted ?? { storage: 'none' };
    return { isLocal: false, collect: async () => '', finish: async () => ({ record, files: [] }) };
  }
  const latest = (await listBackups(backups)).find(({ media }) => media.storage === 'local');
  const previous = latest ? await readMediaList(path.join(backups, latest.id)).catch(() => []) : [];
  let known: MediaFile[] = [];
  return {
    isLocal: true,
    async collect(): Promise<string> {
      const found = await collectMedia({ uploads: wanted.uploads, backups, previous, known });
      known = mergeMedia(known, found.files);
      const skipped = found.skipped.length > 0 ? `; not kept, no files: ${found.skipped.length}` : '';
      return `${found.copiedFiles} new, ${toMegabytes(found.copiedBytes)} MB${skipped}`;
    },
    async finish(directory: string): Promise<{ record: MediaRecord; files: BackupFile[] }> {
      const list = await writeMediaList(known, path.join(directory, MEDIA_LIST));
      const bytes = known.reduce((sum, file) => sum + file.bytes, 0);
      return { record: { storage: 'local', files: known.length, bytes }, files: [list] };
    },
  };
}

/** Writes beside a backup's manifest how its drill went. */
export async function writeDrillRecord(directory: string, record: DrillRecord): Promise<void> {
  await writeAtomically(path.join(directory, DRILL_FILE), `${JSON.stringify(record)}\n`, 0o600);
}

async function removeLeftovers(container: string, backups: string): Promise<void> {
  await mkdir(backups, { recursive: true, mode: 0o700 });
  const partials = (await readdir(backups)).filter((name) => /^\..+\.partial$/.test(name));
  for (const name of partials) await rm(path.join(backups, name), { recursive: true });
  await endSessions(container);
}

async function requireSpace(container: string, backups: string): Promise<number> {
  const bytes = Number(await psql(container, 'postgres', `select pg_database_size('${DATABASE}');`));
  const { freeBytes } = await measureSpace(backups);
  const shortage = findShortage(freeBytes, bytes);
  if (shortage === 0) return bytes;
  throw new Failure(`the disk is too full for a dump of ${toMegabytes(bytes)} MB and 500 MB to spare`, {
    next: `free ${toMegabytes(shortage)} MB where ${backups} lies, then run the same command again`,
  });
}

/** The tables' fingerprints are taken while pg_dump runs, and what it writes is read whole while it writes. */
async function writeDump(container: string, directory: string, progress: (text: string) => void) {
  return withSnapshot(container, async ({ snapshot, version, tables }) => {
    const format = ['-Fc', '-Z', 'zstd:3', '--lock-wait-timeout=30s', `--snapshot=${snapshot}`];
    // Who serves goes first: only the compression is heavy, and it happens in pg_dump itself.
    const niced = (...command: string[]) => inContainer(container, 'nice', ...command);
    const dump = niced('pg_dump', '-U', 'postgres', ...format, '-d', DATABASE);
    const globals = niced('pg_dumpall', '-U', 'postgres', '--globals-only', '--no-role-passwords');
    const files = [
      await streamToFile(dump, path.join(directory, DUMP_FILE), {
        reader: niced('pg_restore', '--file=/dev/null'),
        onBytes: (bytes) => progress(`${toMegabytes(bytes)} MB`),
      }),
      await streamToFile(globals, path.join(directory, GLOBALS_FILE)),
    ];
    return { version, files, tables: await tables };
  });
}

/** What is read next comes from the disk, where the kernel allows it. https://www.gnu.org/software/coreutils/dd */
async function forgetCached(file: string): Promise<void> {
  await attempt('dd', [`if=${file}`, 'iflag=nocache', 'count=0']);
}

/** Manifest last, then the final name; synced in that order, so that a name in the list has all its bytes. */
async function publish(manifest: Manifest, partial: string, final: string): Promise<void> {
  await writeAtomically(path.join(partial, MANIFEST_FILE), formatManifest(manifest), 0o600);
  await rename(partial, final);
  await syncDirectory(path.dirname(final));
}
