import type { NamedFiles } from '../db/photo-files.ts';
import type { Area } from '../storage/keys.ts';

/** Where a file is. */
export interface FileName {
  area: Area;
  key: string;
}

/** The files that a row names: its original first. */
export function filesOf(row: NamedFiles): FileName[] {
  const variants = row.variants.map(({ key }) => ({ area: 'variants' as const, key }));
  return [{ area: 'originals', key: row.originalKey }, ...variants];
}

/** One string for a file: `originals/3f/3f9c….jpg`. */
export function nameOf({ area, key }: FileName): string {
  return `${area}/${key}`;
}
