import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

export const hashOf = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

/** A server's uploads/ and backups/ in a temporary directory. @param parent where that is made */
export function createDirectories(parent = tmpdir()) {
  const root = mkdtempSync(path.join(parent, 'atlas-media-'));
  const [uploads, backups] = [path.join(root, 'uploads'), path.join(root, 'backups')];
  for (const area of ['originals', 'variants', 'tmp'])
    mkdirSync(path.join(uploads, area), { recursive: true });
  mkdirSync(backups);
  const store = path.join(backups, 'media');

  return {
    root,
    uploads,
    backups,
    store,
    remove: () => rmSync(root, { recursive: true }),

    write(name: string, content: string | Buffer): string {
      const file = path.join(uploads, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },

    /** Names of all files in the store. */
    stored: () => (existsSync(store) ? filesIn(store).map((file) => path.basename(file)) : []),

    /** Every object is what its name says. What is not yet one is returned. */
    expectRightObjects(): string[] {
      const [leftovers, objects] = [[] as string[], existsSync(store) ? filesIn(store) : []];
      for (const file of objects) {
        if (path.dirname(file) === store) leftovers.push(file);
        else expect(hashOf(readFileSync(file))).to.equal(path.basename(file));
      }
      return leftovers;
    },
  };
}

/** Paths of all files below a directory. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
