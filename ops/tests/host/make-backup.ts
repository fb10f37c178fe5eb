import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatManifest } from '../../src/host/manifest.ts';
import { locateObject } from '../../src/host/media-objects.ts';
import { writeMediaList } from '../../src/host/media-store.ts';
import {
  type BackupFile,
  type DrillRecord,
  formatBackupId,
  type Manifest,
  type MediaFile,
  type MediaRecord,
} from '../../src/plan/backups.ts';

export const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

/** What the backup with these photos holds, by name of file. */
export interface Contents {
  reason?: string;
  /** Contents by path below uploads/. */
  photos?: Record<string, string>;
  media?: MediaRecord;
  drill?: DrillRecord;
}

/** Lays down a backup as `make backup` leaves it, with photos in the shared store. */
export async function makeBackup(backups: string, time: string, contents: Contents = {}): Promise<Manifest> {
  const { photos = {}, reason = 'nightly', drill } = contents;
  const id = formatBackupId(new Date(time), reason);
  const directory = path.join(backups, id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const list: MediaFile[] = [];
  for (const [name, content] of Object.entries(photos)) {
    const photo = { path: name, bytes: Buffer.byteLength(content), mtime: 1, sha256: sha256(content) };
    list.push(photo);
    const object = locateObject(backups, photo.sha256);
    await mkdir(path.dirname(object), { recursive: true, mode: 0o700 });
    await writeFile(object, content, { mode: 0o400, flag: 'wx' }).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const bytes = list.reduce((sum, photo) => sum + photo.bytes, 0);
  const media = contents.media ?? { storage: 'local', files: list.length, bytes };
  const files = [
    await writeWhole(directory, 'database.dump', `the dump of ${time}`),
    await writeWhole(directory, 'globals.sql', 'create role atlas;'),
  ];
  if (media.storage === 'local') files.push(await writeMediaList(list, path.join(directory, 'media.jsonl')));
  const manifest: Manifest = {
    ...{ format: 1, id, time, release: 'v1.2.0', reason, database: { name: 'atlas', bytes: 1000 } },
    ...{ migrations: ['1_init.ts'], postgres: { version: '17.12', image: 'postgres', imageId: 'sha256:1' } },
    ...{ media, files },
    ...{ tables: [], seconds: 1, verified: time },
  };
  await writeFile(path.join(directory, 'manifest.json'), formatManifest(manifest));
  if (drill) await writeFile(path.join(directory, 'drill.json'), JSON.stringify(drill));
  return manifest;
}

async function writeWhole(directory: string, name: string, content: string): Promise<BackupFile> {
  await writeFile(path.join(directory, name), content);
  return { name, bytes: Buffer.byteLength(content), sha256: sha256(content) };
}

/** Changes one bit of a file, by default in its middle. Root may write to what is read-only. */
export async function flipBit(file: string, byte?: number): Promise<void> {
  const content = await readFile(file);
  const index = byte ?? content.length >> 1;
  content[index] = (content[index] ?? 0) ^ 1;
  await writeFile(file, content);
}
