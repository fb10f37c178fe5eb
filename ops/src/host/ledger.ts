import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { BACKUP_KINDS, type BackupEvent } from '../plan/backup-events.ts';
import type { CertificateEvent } from '../plan/certificate.ts';
import type { LedgerEntry } from '../plan/releases.ts';
import { operator } from './lock.ts';
import { paths } from './paths.ts';

type Event = LedgerEntry | CertificateEvent | BackupEvent;
type WithoutBy<T> = T extends unknown ? Omit<T, 'by'> & { by?: string } : never;

/** Appends one event to `.atlas/ledger.jsonl`, with who did it. Never holds a secret. */
export async function recordEvent(entry: WithoutBy<Event>): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await appendFile(paths.ledger, `${JSON.stringify({ by: operator(), ...entry })}\n`, { mode: 0o600 });
}

/** What writes into the ledger how a thing ended that began at `started`, with the seconds until then. */
export const eventRecorder =
  (what: BackupEvent['what'], started: Date) =>
  (result: BackupEvent['result'], more: Partial<BackupEvent> = {}): Promise<void> =>
    recordEvent({
      ...{ what, result, started: started.toISOString() },
      ...{ seconds: (Date.now() - started.getTime()) / 1000, ...more },
    });

/** Every deploy and rollback, oldest first. */
export async function readLedger(): Promise<LedgerEntry[]> {
  return (await readEvents()).filter(({ what }) => what === 'deploy' || what === 'rollback') as LedgerEntry[];
}

/** Every backup, base backup, drill and restore, oldest first. */
export async function readBackupEvents(): Promise<BackupEvent[]> {
  const kinds: readonly string[] = BACKUP_KINDS;
  return (await readEvents()).filter(({ what }) => kinds.includes(what)) as BackupEvent[];
}

/** What happened to the certificate, oldest first. */
export async function readCertificateEvents(): Promise<CertificateEvent[]> {
  return (await readEvents()).filter((event) => event.what === 'certificate');
}

/** A line that a full disk cut short is passed over. */
async function readEvents(): Promise<Event[]> {
  const text = await readFile(paths.ledger, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Event];
    } catch {
      return [];
    }
  });
}
