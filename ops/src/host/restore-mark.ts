import { readFile, rm } from 'node:fs/promises';
import { writeAtomically } from './files.ts';
import { paths } from './paths.ts';

/** What a restore is in the middle of; only one that was killed leaves it behind. */
export interface RestoreMark {
  backup: string;
  by: string;
  /** ISO 8601, UTC. */
  started: string;
  /** Whether somebody had turned maintenance on before it. */
  wasInMaintenance: boolean;
}

/** Written before the restore touches anything that the public sees. */
export async function writeRestoreMark(mark: RestoreMark): Promise<void> {
  await writeAtomically(paths.restoreMark, `${JSON.stringify(mark)}\n`, 0o600);
}

/** What a killed restore left; null when the last one ended by itself. */
export async function readRestoreMark(): Promise<RestoreMark | null> {
  return readFile(paths.restoreMark, 'utf8').then(
    (text) => JSON.parse(text) as RestoreMark,
    () => null,
  );
}

/** Forgets it. */
export async function clearRestoreMark(): Promise<void> {
  await rm(paths.restoreMark, { force: true });
}
