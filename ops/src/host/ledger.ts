import { appendFile, mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { paths } from './paths.ts';

export interface LedgerEntry {
  what: 'deploy';
  tag: string;
  result: 'done' | 'failed' | 'undone';
  /** ISO 8601, UTC. */
  started: string;
  seconds: number;
  why?: string;
}

/** Appends one event to `.atlas/ledger.jsonl`, with who did it. Never holds a secret. */
export async function recordEvent(entry: LedgerEntry): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const by = process.env.SUDO_USER ?? userInfo().username;
  await appendFile(paths.ledger, `${JSON.stringify({ ...entry, by })}\n`, { mode: 0o600 });
}
