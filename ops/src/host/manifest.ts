import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST_FILE, type Manifest, parseManifest } from '../plan/backups.ts';

/** What manifest.json holds: the manifest, and last the SHA-256 of its own JSON, so that no bit of it can change unseen. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, checksum: digest(manifest) }, null, 2)}\n`;
}

/**
 * The manifest of a backup.
 * @returns null for a directory without one, or with one that is not complete or not as it was written
 */
export async function readManifest(directory: string): Promise<Manifest | null> {
  try {
    const text = await readFile(path.join(directory, MANIFEST_FILE), 'utf8');
    const { checksum, ...manifest } = JSON.parse(text) as Manifest & { checksum?: string };
    if (checksum !== digest(manifest)) return null;
    return parseManifest(JSON.stringify(manifest), path.basename(directory));
  } catch {
    return null;
  }
}

// JSON.parse keeps the order of keys, so what was read makes the same text again.
const digest = (manifest: object) => createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
