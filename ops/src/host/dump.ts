import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BackupFile,
  DATABASE,
  DUMP_FILE,
  findShortage,
  formatBackupId,
  MANIFEST_FILE,
  type Manifest,
  parseManifest,
  sortNewestFirst,
} from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { writeAtomically } from './files.ts';
import { withSnapshot } from './fingerprints.ts';
import { paths } from './paths.ts';
import { endSessions, explain, finish, inContainer, psql, startDocker, toMegabytes } from './postgres.ts';

export interface DumpRequest {
  postgresContainer: string;
  /** Reference of the image that postgres runs from. */
  postgresImage: string;
  /** The release that is current. */
  release: string;
  reason: string;
  /** Names of the applied migrations. */
  migrations: readonly string[];
  /** Directory of all backups. */
  backups?: string;
  now?: Date;
}

/**
 * Dumps the database into a directory of its own under backups/, with a manifest that proves it: SHA-256 of
 * each file, and a fingerprint of each table from the snapshot that was dumped. The caller holds the lock:
 * whatever another dump left unfinished is removed first.
 * @throws Failure when the disk is too full, before anything is written, or when a dump fails, leaving nothing
 */
export async function takeDump(request: DumpRequest): Promise<Manifest> {
  const { postgresContainer: container, backups = paths.backups, now = new Date() } = request;
  const id = formatBackupId(now, request.reason);
  const partial = path.join(backups, `.${id}.partial`);
  const started = Date.now();
  try {
    await removeLeftovers(container, backups);
    const bytes = await requireSpace(container, backups);
    await mkdir(partial, { mode: 0o700 });
    const { version, tables, files } = await writeFiles(container, partial);
    const manifest: Manifest = {
      ...{ format: 1, id, time: now.toISOString(), release: request.release, reason: request.reason },
      database: { name: DATABASE, bytes },
      migrations: [...request.migrations],
      postgres: { version, image: request.postgresImage, imageId: '' },
      media: { storage: 'none' },
      ...{ files, tables, seconds: (Date.now() - started) / 1000, verified: new Date().toISOString() },
    };
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

/** Manifests of every complete dump, newest first. A directory without a valid manifest is none. */
export async function listDumps(backups: string = paths.backups): Promise<Manifest[]> {
  const names = await readdir(backups).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const json = await readFile(path.join(backups, name, MANIFEST_FILE), 'utf8').catch(() => '');
      return parseManifest(json, name);
    }),
  );
  return sortNewestFirst(found.filter((manifest) => manifest !== null));
}

async function removeLeftovers(container: string, backups: string): Promise<void> {
  await mkdir(backups, { recursive: true, mode: 0o700 });
  const partials = (await readdir(backups)).filter((name) => /^\..+\.partial$/.test(name));
  for (const name of partials) await rm(path.join(backups, name), { recursive: true });
  await endSessions(container);
}

async function requireSpace(container: string, backups: string): Promise<number> {
  const bytes = Number(await psql(container, 'postgres', `select pg_database_size('${DATABASE}');`));
  const { bavail, bsize } = await statfs(backups);
  const shortage = findShortage(bavail * bsize, bytes);
  if (shortage === 0) return bytes;
  throw new Failure(`the disk is too full for a dump of ${toMegabytes(bytes)} MB and 500 MB to spare`, {
    next: `free ${toMegabytes(shortage)} MB where ${backups} lies, then run the same command again`,
  });
}

async function writeFiles(container: string, directory: string) {
  return withSnapshot(container, async ({ snapshot, version, tables }) => {
    const format = ['-Fc', '-Z', 'zstd:3', '--lock-wait-timeout=30s', `--snapshot=${snapshot}`];
    const write = (name: string, ...command: string[]) =>
      streamToFile(inContainer(container, ...command), path.join(directory, name));
    const files = [
      await write(DUMP_FILE, 'pg_dump', '-U', 'postgres', ...format, '-d', DATABASE),
      await write('globals.sql', 'pg_dumpall', '-U', 'postgres', '--globals-only', '--no-role-passwords'),
    ];
    return { version, tables, files };
  });
}

/** Streams what a command writes to a synced file of mode 600 and measures it on the way, whatever its size. */
async function streamToFile(args: string[], file: string): Promise<BackupFile> {
  const child = startDocker(args, 'ignore', false);
  const hash = createHash('sha256');
  let bytes = 0;
  async function* measure(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const target = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  try {
    await pipeline(child.stdout as Readable, measure, target);
  } catch (error) {
    child.kill();
    throw error;
  }
  await finish(args.find((word) => word.startsWith('pg_')) ?? 'docker', args, child);
  return { name: path.basename(file), bytes, sha256: hash.digest('hex') };
}

/** Manifest last, then the final name; synced in that order, so that a name in the list has all its bytes. */
async function publish(manifest: Manifest, partial: string, final: string): Promise<void> {
  await writeAtomically(path.join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
  await rename(partial, final);
  const directory = await open(path.dirname(final), 'r');
  await directory.sync();
  await directory.close();
}
