import type { Settings } from '../config/validate.ts';
import { findContainer } from '../host/containers.ts';
import { isInMaintenance, reloadNginx, writeMaintenance } from '../host/edge.ts';
import { recordEvent } from '../host/ledger.ts';
import { operator } from '../host/lock.ts';
import { clearRestoreMark, readRestoreMark, writeRestoreMark } from '../host/restore-mark.ts';
import { note } from '../report/steps.ts';
import { edgeOf } from './switch-edge.ts';

/** Tells everybody to come back in a moment; remembers how it was, also beyond our own end. */
export async function enterRestore(settings: Settings, backup: string): Promise<void> {
  const left = await readRestoreMark();
  const wasInMaintenance = left ? left.wasInMaintenance : await isInMaintenance();
  await writeRestoreMark({ backup, by: operator(), started: new Date().toISOString(), wasInMaintenance });
  await writeMaintenance(true);
  await reload(settings);
}

/** As it was before the restore, one that was killed included. */
export async function leaveRestore(settings: Settings): Promise<void> {
  const mark = await readRestoreMark();
  await writeMaintenance(mark?.wasInMaintenance ?? false);
  await reload(settings);
  await clearRestoreMark();
}

/** What a killed restore left is written down, and the public let in again: the release that was deployed serves. */
export async function endKilledRestore(settings: Settings): Promise<void> {
  const mark = await readRestoreMark();
  if (!mark) return;
  const { backup, by, started } = mark;
  note(
    `note: the restore of ${backup} by ${by} (${started.slice(0, 19)}Z) was killed: make restore does it again`,
  );
  const seconds = (Date.now() - Date.parse(started)) / 1000;
  await recordEvent({ what: 'restore', result: 'failed', backup, by, started, seconds, why: 'killed' });
  await leaveRestore(settings);
}

/** Without an nginx that runs there is nobody to tell; it reads the file when it starts. */
async function reload(settings: Settings): Promise<void> {
  const edge = edgeOf(settings);
  if ((await findContainer(edge.container))?.status === 'running') await reloadNginx(edge);
}
