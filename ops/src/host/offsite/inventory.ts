import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST_FILE, MEDIA_LIST, MEDIA_STORE } from '../../plan/backups.ts';
import { BASE_STORE, POINTS_FILE, WAL_STORE } from '../../plan/bases.ts';
import { objectPath } from '../../plan/media-files.ts';
import { baseDirectory, type Shipment } from '../../plan/offsite.ts';
import { EPOCH_FILE } from '../../plan/wal.ts';
import { readBases } from '../base-catalogue.ts';
import { listBackups, listNames } from '../catalogue.ts';
import { locateObject } from '../media-objects.ts';
import { readMediaList } from '../media-store.ts';
import { paths } from '../paths.ts';
import { readEpochs } from '../wal-archive.ts';

/** @returns null when the file is gone meanwhile */
async function describe(file: string, key: string): Promise<Shipment | null> {
  const found = await lstat(file).catch(() => null);
  if (!found?.isFile()) return null;
  return { file, key, bytes: found.size, version: `${found.size}-${Math.round(found.mtimeMs)}` };
}

const present = (shipments: readonly (Shipment | null)[]) => shipments.filter((one) => one !== null);

/** WAL that is complete, oldest first, with what says of it. */
export async function listCompleteWal(): Promise<Shipment[]> {
  const found: (Shipment | null)[] = [];
  for (const { name } of await readEpochs(paths.backups)) {
    const directory = path.join(paths.backups, WAL_STORE, name);
    const files = (await readdir(directory).catch(() => [])).sort();
    const wanted = files.filter(
      (file) =>
        file === EPOCH_FILE ||
        file === 'SHA256SUMS' ||
        /^[0-9A-F]{24}\.zst$|^[0-9A-F]{8}\.history$/.test(file),
    );
    for (const file of wanted) found.push(await describe(path.join(directory, file), `wal/${name}/${file}`));
  }
  return present(found);
}

/** Segments that are not compressed: those that are received, or were just completed, or were the last of an epoch. */
export async function listFreshWal(): Promise<Shipment[]> {
  const found: (Shipment | null)[] = [];
  for (const { name } of await readEpochs(paths.backups)) {
    const directory = path.join(paths.backups, WAL_STORE, name);
    const files = (await readdir(directory).catch(() => [])).sort();
    for (const file of files.filter((one) => /^[0-9A-F]{24}(\.partial)?$/.test(one)))
      found.push(await describe(path.join(directory, file), `wal/${name}/${file.slice(0, 24)}.partial.gz`));
  }
  return present(found).map((one) => ({ ...one, gzip: true as const }));
}

/** Changes when there is another base backup or dump: only then their lists are read, which name every photo. */
export async function nameBackups(): Promise<string> {
  const bases = await readdir(path.join(paths.backups, BASE_STORE)).catch(() => []);
  return [...bases, ...(await listNames(paths.backups))].filter((name) => !name.startsWith('.')).join('\n');
}

/** Base backups and dumps with their photos; of each the manifest last, so that what is not whole has none. */
export async function listBackupFiles(): Promise<Shipment[]> {
  const found: (Shipment | null)[] = [];
  for (const base of await readBases(paths.backups)) {
    const directory = path.join(paths.backups, BASE_STORE, base.id);
    for (const name of [...base.files.map((file) => file.name), MANIFEST_FILE])
      found.push(await describe(path.join(directory, name), `${baseDirectory(base)}/${name}`));
  }
  for (const backup of (await listBackups()).reverse()) {
    const directory = path.join(paths.backups, backup.id);
    if (backup.files.some(({ name }) => name === MEDIA_LIST)) found.push(...(await listPhotos(directory)));
    for (const name of [...backup.files.map((file) => file.name), MANIFEST_FILE])
      found.push(await describe(path.join(directory, name), `dumps/${backup.id}/${name}`));
  }
  return present(found);
}

async function listPhotos(directory: string): Promise<Shipment[]> {
  const photos = await readMediaList(directory).catch(() => []);
  return photos.map(({ sha256, bytes }) => ({
    ...{ file: locateObject(paths.backups, sha256), key: `${MEDIA_STORE}/${objectPath(sha256)}` },
    // Its name says what it holds.
    ...{ bytes, version: sha256 },
  }));
}

/** What a new server needs besides: restore points, settings with their secrets, which release served. */
export async function listSiteFiles(): Promise<Shipment[]> {
  return present([
    await describe(path.join(paths.backups, POINTS_FILE), POINTS_FILE),
    await describe(paths.env, 'site/env'),
  ]);
}
