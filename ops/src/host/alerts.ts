import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { SECRET_KEYS } from '../config/schema.ts';
import type { Settings } from '../config/validate.ts';
import { renderAlert } from '../plan/alert-payload.ts';
import { type AlertMessage, type Condition, type Incident, planAlerts, settle } from '../plan/alerts.ts';
import { judgeLedger } from '../plan/conditions.ts';
import { note } from '../report/steps.ts';
import { readCatalogue } from './catalogue.ts';
import { writeAtomically } from './files.ts';
import { readJournal } from './journal.ts';
import { readBackupEvents, readLedger } from './ledger.ts';
import { findHolder, tryLock } from './lock.ts';
import { paths } from './paths.ts';
import { readRestoreMark } from './restore-mark.ts';
import { postJson } from './webhook.ts';

/** Two messages that a dead receiver takes its time to refuse. */
const LOCK_SECONDS = 30;

/** What `.atlas/alerts.json` holds. */
export interface AlertState {
  incidents: Incident[];
  /** How the last message fared: when (ISO 8601, UTC), and why it was not taken, if it was not. */
  delivery: { time: string; refusal: string | null } | null;
}

/** The incidents that are open. A file that is not there, or that a crash spoiled, holds none. */
export async function readAlerts(): Promise<AlertState> {
  try {
    const { incidents, delivery } = JSON.parse(await readFile(paths.alerts, 'utf8')) as AlertState;
    return { incidents: Array.isArray(incidents) ? incidents : [], delivery: delivery ?? null };
  } catch {
    return { incidents: [], delivery: null };
  }
}

/**
 * Tells ALERT_URL what is due and remembers what was told. Has a lock of its own, so that it works while a deploy
 * runs; one that is held for long leaves the telling to the next look. Whether messages are taken changes nothing else.
 * @returns why messages were not taken, one line each
 */
export async function reportConditions(
  settings: Settings,
  conditions: readonly Condition[],
  now: Date = new Date(),
): Promise<string[]> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const descriptor = openSync(paths.alertsLock, 'a', 0o600);
  try {
    if (!(await tryLock(descriptor, LOCK_SECONDS)))
      return ['somebody else is telling; the next look tells the rest'];
    return await tell(settings, conditions, now.toISOString());
  } finally {
    closeSync(descriptor);
  }
}

async function tell(settings: Settings, conditions: readonly Condition[], time: string): Promise<string[]> {
  const { incidents: before, delivery } = await readAlerts();
  const { messages, incidents } = planAlerts(before, conditions, time);
  const sent = settings.ALERT_URL ? await send(settings, messages, time) : [];
  const taken = sent.filter(({ refusal }) => refusal === null).map(({ message }) => message);
  const refusals = sent.flatMap(({ refusal }) => refusal ?? []);
  const latest = sent.length > 0 ? { time, refusal: refusals[0] ?? null } : delivery;
  const state: AlertState = { incidents: settle(incidents, taken), delivery: latest };
  // Most looks find nothing new: no disk is to be woken for them.
  if (JSON.stringify(state) !== JSON.stringify({ incidents: before, delivery }))
    await writeAtomically(paths.alerts, `${JSON.stringify(state, null, 2)}\n`, 0o600);
  return refusals;
}

/** All at once: a dead receiver costs its 10 s once. */
function send(settings: Settings, messages: readonly AlertMessage[], time: string) {
  const from = { project: settings.COMPOSE_PROJECT_NAME, host: hostname(), time };
  const secrets = SECRET_KEYS.flatMap((key) => settings[key] || []);
  return Promise.all(
    messages.map(async (message) => ({
      message,
      refusal: await postJson(settings.ALERT_URL, renderAlert(message, from, secrets)),
    })),
  );
}

/** The last deploy, backup and drill, as the ledger has them, and what killed ones have left. */
export async function observeLedger(): Promise<Condition[]> {
  const [releases, backups, journal, mark, catalogue] = await Promise.all([
    readLedger(),
    readBackupEvents(),
    readJournal(),
    readRestoreMark(),
    readCatalogue(paths.backups, { thorough: false }).catch(() => null),
  ]);
  // Last: whoever holds the lock by now may have been at work on any of it.
  const isAtWork = (await findHolder()) !== null;
  const broken = catalogue?.broken.filter(({ name }) => !isAtWork || !name.startsWith('.')) ?? null;
  return judgeLedger({
    ...{ releases, backups, broken, now: new Date().toISOString() },
    ...{ killed: isAtWork ? null : journal, killedRestore: isAtWork ? null : mark },
  });
}

/** For the end of a verb that the ledger has: its failure is told at once. Never throws: no job fails for it. */
export async function alertNow(settings: Settings): Promise<void> {
  try {
    const refusals = await reportConditions(settings, await observeLedger());
    for (const refusal of refusals) note(`note: an alert was not delivered: ${refusal}`);
  } catch (error) {
    note(`note: alerts could not be told: ${(error as Error).message}`);
  }
}
