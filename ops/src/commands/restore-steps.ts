import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { bringUp, type Compose, createCompose } from '../host/compose.ts';
import { verifyFiles } from '../host/digest.ts';
import { ignoreInterrupts, stopIfInterrupted } from '../host/interrupt.ts';
import { findMediaDamage, formatMediaDamage } from '../host/media-damage.ts';
import { restoreMedia } from '../host/media-restore.ts';
import { readMediaList } from '../host/media-store.ts';
import { paths } from '../host/paths.ts';
import { restoreDump } from '../host/restore.ts';
import { migrateUp } from '../host/schema.ts';
import { swapDatabases } from '../host/swap.ts';
import type { Manifest } from '../plan/backups.ts';
import { containerName } from '../plan/containers.ts';
import { findPending, type RestoreFacts } from '../plan/restore.ts';
import { EXIT, Failure, toFailure } from '../report/failure.ts';
import { step } from '../report/steps.ts';
import { clearCache, stopApp } from './app-state.ts';
import { enterRestore, leaveRestore } from './restore-maintenance.ts';
import { checkPhotos, leftInBetween, reconcile, serve } from './restore-serve.ts';
import { checkPublicly } from './switch-edge.ts';
import { takeBackup } from './take-backup.ts';

/** What a restore has in hand while it runs. */
interface RestoreState {
  settings: Settings;
  compose: Compose;
  postgres: string;
  /** The public is told to come back. */
  entered: boolean;
  /** api and worker were stopped. */
  stopped: boolean;
  /** The database from before, once it has been put aside. */
  keptDatabase: string | null;
  /** The restored database is served: the way back is over. */
  committed: boolean;
}

/**
 * Does what describeRestore says.
 * @returns names of the database from before and of the backup of the present state
 * @throws Failure; until the restored database is served everything is taken back first
 */
export async function runRestore(
  settings: Settings,
  facts: RestoreFacts,
): Promise<{ keptDatabase: string; safety: string | null }> {
  const postgres = containerName(settings.COMPOSE_PROJECT_NAME, 'postgres');
  const state: RestoreState = {
    ...{ settings, compose: createCompose(settings), postgres },
    ...{ entered: false, stopped: false, keptDatabase: null, committed: false },
  };
  const { backup } = facts;
  try {
    await step('every file of the backup is as it was', () => checkFiles(backup));
    stopIfInterrupted();
    state.entered = true;
    await step('maintenance on', () => enterRestore(settings, backup.id));
    const present = facts.safety ? await takeBackup(settings, 'before-restore') : null;
    stopIfInterrupted();
    if (backup.media.storage === 'local') await step('photos', () => bringPhotosBack(backup));
    stopIfInterrupted();
    const keptDatabase = await step('database, proved and swapped', () =>
      bringDatabaseBack(state, facts, present),
    );
    if (findPending(facts).length > 0) await step('migrate', () => migrateUp(state.compose));
    await step('cache cleared, jobs reconciled', () => reconcile(state));
    await step(`api and worker of ${facts.release}, ready`, () => serve(state));
    state.committed = true;
    ignoreInterrupts();
    await step('maintenance off, checked through nginx', async () => {
      await leaveRestore(settings);
      await checkPublicly(settings, facts.release, Number(settings.READY_SECONDS));
    });
    await step('every service as compose wants it, healthy', () => bringUp(state.compose));
    await step('every photo has its file', () => checkPhotos(settings));
    return { keptDatabase, safety: present?.id ?? null };
  } catch (error) {
    throw await goBack(state, error);
  }
}

async function checkFiles(backup: Manifest): Promise<string | undefined> {
  const directory = path.join(paths.backups, backup.id);
  await verifyFiles(backup, directory);
  if (backup.media.storage !== 'local') return undefined;
  const files = await readMediaList(directory);
  const damage = await findMediaDamage(files, paths.backups);
  if (damage.length === 0) return `${files.length} photo files too`;
  throw new Failure(`${damage.length} photo files of ${backup.id} are damaged`, {
    log: formatMediaDamage(damage),
    state: 'nothing was changed',
    next: 'make backups says which backups are whole; make restore FROM=<one of them>',
  });
}

async function bringPhotosBack(backup: Manifest): Promise<string> {
  const files = await readMediaList(path.join(paths.backups, backup.id));
  const places = { backups: paths.backups, uploads: paths.uploads };
  const { restored, aside } = await restoreMedia(files, places);
  const kept = aside ? `; what was in their place is in ${aside}` : '';
  return `${restored} of ${files.length} brought back${kept}`;
}

async function bringDatabaseBack(
  state: RestoreState,
  facts: RestoreFacts,
  present: Manifest | null,
): Promise<string> {
  const only = facts.tables && present ? { only: { names: facts.tables, present } } : {};
  const { keptDatabase } = await restoreDump(facts.backup, {
    ...{ postgresContainer: state.postgres, now: new Date(), ...only },
    whenReady: async () => {
      stopIfInterrupted();
      state.stopped = true;
      await stopApp(state.settings);
    },
  });
  state.keptDatabase = keptDatabase;
  return keptDatabase;
}

/** Takes back what can be taken back. @returns the failure to show, with the state the server is in now */
async function goBack(state: RestoreState, error: unknown): Promise<Failure> {
  const failure = toFailure(error);
  const { settings, keptDatabase } = state;
  ignoreInterrupts();
  if (!state.entered) return failure;
  if (state.committed)
    return new Failure(failure.message, {
      ...failure.details,
      state: `the restored database is served; the one from before is kept as ${keptDatabase}`,
    });
  if (failure.exitCode === EXIT.human) return failure;
  try {
    if (keptDatabase) {
      await stopApp(settings);
      await swapDatabases(state.postgres, keptDatabase, new Date());
      await clearCache(settings);
    }
    if (state.stopped) await serve(state);
    await leaveRestore(settings);
    // The one-shot too: its state would be that of the migration that failed.
    if (state.stopped) await bringUp(state.compose);
    return new Failure(failure.message, {
      ...failure.details,
      state: 'the database from before is served, as if nothing had been',
    });
  } catch (reason) {
    return leftInBetween(failure, reason, 'make status; then the same command again, or make deploy');
  }
}
