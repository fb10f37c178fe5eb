import { stat, statfs } from 'node:fs/promises';
import type { Disk } from '../plan/conditions.ts';

/** The file systems of some directories, each once; a directory that is not there has none. */
export async function measureDisks(directories: readonly string[]): Promise<Disk[]> {
  const found = await Promise.all(directories.map(measure));
  const seen = new Set<number>();
  return found
    .filter((one) => one !== null)
    .filter(({ device }) => !seen.has(device) && seen.add(device))
    .map(({ disk }) => disk);
}

async function measure(directory: string): Promise<{ device: number; disk: Disk } | null> {
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!found) return null;
  const { freeBytes, totalBytes } = await measureSpace(directory);
  const usedPercent = totalBytes === 0 ? 0 : (1 - freeBytes / totalBytes) * 100;
  return { device: found.dev, disk: { directory, usedPercent, freeBytes } };
}

/**
 * Bytes that can be written on a directory's file system, and with those that are: what is kept for root counts as
 * neither. https://www.gnu.org/software/coreutils/manual/html_node/df-invocation.html
 */
export async function measureSpace(directory: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { blocks, bfree, bavail, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize };
}
