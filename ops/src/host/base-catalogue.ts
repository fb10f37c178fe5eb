import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { BASE_STORE, type BaseManifest } from '../plan/bases.ts';
import { chainOf } from '../plan/restore-at.ts';
import { type BrokenBackup, explainNone } from './catalogue.ts';
import { findDamage } from './digest.ts';
import { exists } from './files.ts';
import { readBaseManifest } from './manifest.ts';
import { readEpochs } from './wal-archive.ts';

/** Manifests of all base backups that have one, oldest first. @param backups directory of all backups */
export async function readBases(backups: string): Promise<BaseManifest[]> {
  const found = await Promise.all(
    (await listDirectories(backups)).map((directory) => readBaseManifest(directory)),
  );
  return found.filter((one) => one !== null);
}

/** Whether no base backup leads into the WAL that the receiver writes now. */
export async function needsBase(backups: string): Promise<boolean> {
  const newest = (await readEpochs(backups)).at(-1);
  return !(await readBases(backups)).some(({ epoch }) => epoch === newest?.name);
}

export interface BaseCatalogue {
  /** Oldest first. */
  bases: BaseManifest[];
  broken: BrokenBackup[];
}

/**
 * Which base backups can be restored, and which cannot: a difference can when everything that it builds on can, too.
 * @param options.thorough reads every file whole and compares SHA-256; without it sizes of files only
 */
export async function readBaseCatalogue(
  backups: string,
  { thorough }: { thorough: boolean },
): Promise<BaseCatalogue> {
  const whole: BaseManifest[] = [];
  const broken: BrokenBackup[] = [];
  const addBroken = (id: string, why: string) =>
    broken.push({
      ...{ name: `${BASE_STORE}/${id}`, why },
      next: `make base now; when it is of no use to you: rm -r backups/${BASE_STORE}/${id}`,
    });
  for (const directory of await listDirectories(backups)) {
    const manifest = await readBaseManifest(directory);
    const fault = manifest ? await findFault(manifest, directory, thorough) : await explainNone(directory);
    // A rotation may have deleted it while it was read: nobody holds the lock here.
    if (fault && !(await exists(directory))) continue;
    if (manifest && !fault) whole.push(manifest);
    else addBroken(path.basename(directory), fault ?? '');
  }
  const bases = whole.filter((base) => {
    try {
      return chainOf(base, whole);
    } catch (error) {
      addBroken(base.id, `${(error as Error).message} whole`);
      return false;
    }
  });
  return { bases, broken };
}

/** What is hidden is being written or deleted. */
async function listDirectories(backups: string): Promise<string[]> {
  const store = path.join(backups, BASE_STORE);
  const names = (await readdir(store).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
  return names.map((name) => path.join(store, name));
}

async function findFault(
  { files }: BaseManifest,
  directory: string,
  thorough: boolean,
): Promise<string | null> {
  for (const file of files) {
    const damage = await findDamage(path.join(directory, file.name), file, { thorough });
    if (damage) return `${file.name} ${damage}`;
  }
  return null;
}
