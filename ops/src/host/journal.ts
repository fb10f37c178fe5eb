import { readFile, rm } from 'node:fs/promises';
import { writeAtomically } from './files.ts';
import { paths } from './paths.ts';

/** What a changing verb is in the middle of. */
export interface Journal {
  what: 'deploy' | 'rollback';
  tag: string;
  /** The release that .env named when it began. */
  from: string | null;
  by: string;
  /** ISO 8601, UTC. */
  started: string;
  /** The step that ran last. */
  step: string;
}

/** Written before every step and removed at the end: only a verb that was killed leaves it behind. */
export async function writeJournal(entry: Journal): Promise<void> {
  await writeAtomically(paths.journal, `${JSON.stringify(entry)}\n`, 0o600);
}

/** Forgets it: what it described is done or undone. */
export async function clearJournal(): Promise<void> {
  await rm(paths.journal, { force: true });
}

/** What a killed verb left; null when the last one ended by itself. */
export async function readJournal(): Promise<Journal | null> {
  return readFile(paths.journal, 'utf8').then(
    (text) => JSON.parse(text) as Journal,
    () => null,
  );
}
