import { createHash } from 'node:crypto';
import { access, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Writes beside the file, syncs, renames, syncs the directory: after a crash it is the old file or the new one. */
export async function writeAtomically(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  try {
    const handle = await open(temporary, 'w', mode);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(path.dirname(file));
}

/** Makes the names in a directory survive a crash of the machine. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a file or directory is there. */
export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

const NOT_INPUT = new Set(['node_modules', 'dist', 'tests', '.mocharc.json']);

/**
 * SHA-256 over the names and contents of files and directories, in a fixed order: the same tree gives
 * the same digest on every machine. Dependencies, builds and tests do not count.
 * @returns hexadecimal digest
 */
export async function hashTree(root: string, entries: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of entries) {
    for (const file of await listFiles(path.join(root, entry))) {
      hash.update(`${path.relative(root, file)}\0`);
      hash.update(await readFile(file));
      hash.update('\0');
    }
  }
  return hash.digest('hex');
}

/** Every file below a directory, in a fixed order; a file is its own list. */
export async function listFiles(start: string): Promise<string[]> {
  const found = await readdir(start, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (!found) return [start];
  const files: string[] = [];
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (NOT_INPUT.has(entry.name)) continue;
    const child = path.join(start, entry.name);
    if (entry.isDirectory()) files.push(...(await listFiles(child)));
    else if (entry.isFile()) files.push(child);
  }
  return files;
}
