import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { type Content, hashFile } from './copy-hashed.ts';

/**
 * What is wrong with a file, as the end of a sentence about it; null when it is what was written.
 * @param thorough false looks at its size only
 */
export async function findDamage(
  file: string,
  { bytes, sha256 }: Content,
  { thorough }: { thorough: boolean },
): Promise<string | null> {
  try {
    const found = await lstat(file);
    if (!found.isFile()) return 'is no file';
    if (found.size !== bytes) return `has ${found.size} bytes instead of ${bytes}`;
    if (!thorough || (await hashFile(file))?.sha256 === sha256) return null;
    return 'has another SHA-256 than was written down';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'is missing' : `cannot be read: ${message}`;
  }
}

/** Compares size and SHA-256 of every file with the manifest. @throws Failure naming the first that differs */
export async function verifyFiles(
  manifest: Pick<Manifest, 'id' | 'files'>,
  directory: string,
): Promise<void> {
  for (const file of manifest.files) {
    const damage = await findDamage(path.join(directory, file.name), file, { thorough: true });
    if (!damage) continue;
    throw new Failure(`the backup ${manifest.id} is damaged: ${file.name} ${damage}`, {
      state: 'nothing was changed',
      next: 'restore another backup',
    });
  }
}
