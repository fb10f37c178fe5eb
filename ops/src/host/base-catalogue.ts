import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { BASE_STORE, type BaseManifest } from '../plan/bases.ts';
import { readBaseManifest } from './manifest.ts';
import { readEpochs } from './wal-archive.ts';

/** Manifests of all base backups that have one, oldest first. @param backups directory of all backups */
export async function readBases(backups: string): Promise<BaseManifest[]> {
  const store = path.join(backups, BASE_STORE);
  const names = (await readdir(store).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
  const found = await Promise.all(names.map((name) => readBaseManifest(path.join(store, name))));
  return found.filter((one) => one !== null);
}

/** Whether no base backup leads into the WAL that the receiver writes now. */
export async function needsBase(backups: string): Promise<boolean> {
  const newest = (await readEpochs(backups)).at(-1);
  return !(await readBases(backups)).some(({ epoch }) => epoch === newest?.name);
}
