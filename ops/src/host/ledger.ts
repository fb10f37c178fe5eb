import { appendFile, mkdir, readFile } from 'node:fs/promises';
import type { LedgerEntry } from '../plan/releases.ts';
import { operator } from './lock.ts';
import { paths } from './paths.ts';

/** Appends one event to `.atlas/ledger.jsonl`, with who did it. Never holds a secret. */
export async function recordEvent(entry: Omit<LedgerEntry, 'by'> & { by?: string }): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await appendFile(paths.ledger, `${JSON.stringify({ by: operator(), ...entry })}\n`, { mode: 0o600 });
}

/** Every event, oldest first. A line that a full disk cut short is passed over. */
export async function readLedger(): Promise<LedgerEntry[]> {
  const text = await readFile(paths.ledger, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LedgerEntry];
    } catch {
      return [];
    }
  });
}
