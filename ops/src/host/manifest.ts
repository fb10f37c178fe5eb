import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST_FILE, type Manifest, parseManifest } from '../plan/backups.ts';
import type { BaseManifest } from '../plan/bases.ts';

/** What manifest.json holds: the manifest, and last the SHA-256 of its own JSON, so that no bit of it can change unseen. */
export function formatManifest(manifest: Manifest | BaseManifest): string {
  return `${JSON.stringify({ ...manifest, checksum: digest(manifest) }, null, 2)}\n`;
}

/**
 * The manifest of a backup.
 * @returns null for a directory without one, or with one that is not complete or not as it was written
 */
export async function readManifest(directory: string): Promise<Manifest | null> {
  const manifest = await readChecked(directory);
  return manifest && parseManifest(JSON.stringify(manifest), path.basename(directory));
}

/** The manifest of a base backup. @returns null as readManifest does */
export async function readBaseManifest(directory: string): Promise<BaseManifest | null> {
  const manifest = (await readChecked(directory)) as BaseManifest | null;
  return manifest?.kind === 'base' && manifest.id === path.basename(directory) ? manifest : null;
}

async function readChecked(directory: string): Promise<object | null> {
  try {
    const text = await readFile(path.join(directory, MANIFEST_FILE), 'utf8');
    const { checksum, ...manifest } = JSON.parse(text) as { checksum?: string };
    return checksum === digest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

// JSON.parse keeps the order of keys, so what was read makes the same text again.
const digest = (manifest: object) => createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
