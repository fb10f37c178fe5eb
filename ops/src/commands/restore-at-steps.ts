import type { Settings } from '../config/validate.ts';
import { swapBack, swapClusters } from '../host/cluster-swap.ts';
import { bringUp } from '../host/compose.ts';
import { startContainer, stopContainer } from '../host/containers.ts';
import { ignoreInterrupts, stopIfInterrupted } from '../host/interrupt.ts';
import { bringAllPhotos, bringMissingPhotosBack } from '../host/media-since.ts';
import { listApplied, migrateUp } from '../host/schema.ts';
import { removeScratch, stopScratch } from '../host/scratch-cluster.ts';
import { waitUntilReady as waitForPostgres } from '../host/throwaway.ts';
import { ensureWalRole } from '../host/wal-role.ts';
import { containerName } from '../plan/containers.ts';
import { describeTarget } from '../plan/restore-at.ts';
import { compareSchema } from '../plan/schema.ts';
import { EXIT, Failure, toFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { clearCache, stopApp } from './app-state.ts';
import type { RestoreAtFacts } from './restore-at-facts.ts';
import type { Recovered } from './restore-at-scratch.ts';
import { enterRestore, leaveRestore } from './restore-maintenance.ts';
import { checkPhotos, leftInBetween, reconcile, type Serving, serve, startApi } from './restore-serve.ts';
import { checkPublicly } from './switch-edge.ts';
import { takeBase } from './take-base.ts';

const STOP_SECONDS = 90;

/** Starts again what was stopped before the swap. */
export type Resume = () => Promise<void>;

interface SwapState extends Serving {
  /** Where anything was stopped before. */
  resume: Resume | undefined;
  facts: RestoreAtFacts;
  recovered: Recovered;
  /** The public is told to come back. */
  entered: boolean;
  /** api, worker, postgres and the receiver were stopped. */
  stopped: boolean;
  /** The recovered cluster is in place. */
  swapped: boolean;
  /** Directory of the cluster from before, once it has been put aside. */
  kept: string | null;
  /** The restored cluster is served: the way back is over. */
  committed: boolean;
}

/**
 * Puts a recovered cluster into the place of the one that serves.
 * @returns directory of the one from before, and the seconds until the restored one was served
 * @throws Failure; until the restored cluster is served everything is taken back first
 */
export async function runRestoreAt(
  serving: Serving & { unserved: boolean; resume: Resume | undefined },
  facts: RestoreAtFacts,
  recovered: Recovered,
): Promise<{ kept: string | null; seconds: number }> {
  const { settings } = serving;
  const started = Date.now();
  const state: SwapState = {
    ...{ ...serving, facts, recovered },
    ...{ entered: false, stopped: false, swapped: false, kept: null, committed: false },
  };
  try {
    const pending = await checkSchema(state);
    if (serving.unserved) return await placeOnly(state, started);
    state.entered = true;
    await step('maintenance on', () => enterRestore(settings, describeTarget(facts.target)));
    stopIfInterrupted();
    await step('clusters swapped', () => swap(state));
    await step('postgres and the WAL receiver', () => startData(state));
    if (pending > 0) await step('migrate', () => migrateUp(state.compose));
    await step('cache cleared, jobs reconciled', async () => {
      const [said] = await Promise.all([reconcile(state), startApi(state)]);
      return said;
    });
    await step(`api and worker of ${facts.release}, ready`, () => serve(state));
    state.committed = true;
    ignoreInterrupts();
    await step('maintenance off, checked through nginx', async () => {
      await leaveRestore(settings);
      await checkPublicly(settings, facts.release, Number(settings.READY_SECONDS));
    });
    const seconds = (Date.now() - started) / 1000;
    await step('photos', () => bringMissingPhotosBack(facts.target));
    await step('every service as compose wants it, healthy', () => bringUp(state.compose));
    await step('every photo has its file', () => checkPhotos(settings));
    await secure(state);
    return { kept: state.kept, seconds };
  } catch (error) {
    throw await goBack(state, error);
  }
}

/** On a machine where nothing was deployed yet there is nobody to tell, and the deploy that follows does the rest. */
async function placeOnly(
  state: SwapState,
  started: number,
): Promise<{ kept: string | null; seconds: number }> {
  await step('cluster in place', () => swap(state));
  await step('postgres and the WAL receiver', () => startData(state));
  await step('photos', () => bringAllPhotos());
  return { kept: state.kept, seconds: (Date.now() - started) / 1000 };
}

/** @returns how many migrations the release has to apply  @throws Failure when it does not know all of the cluster's */
async function checkSchema({ facts, recovered }: SwapState): Promise<number> {
  const applied = await listApplied(recovered.cluster.container);
  const { ahead, pending } = compareSchema(facts.known, applied);
  if (ahead.length === 0) return pending.length;
  throw new Failure(
    `release ${facts.release} does not know ${ahead.map(({ name }) => name).join(', ')} of that instant`,
    {
      state: 'nothing was changed',
      next: 'deploy the release that served then (make releases), then the same command again',
      exitCode: EXIT.usage,
    },
  );
}

const nameOf = ({ settings }: Serving, service: string) =>
  containerName(settings.COMPOSE_PROJECT_NAME, service);

/** The receiver goes last, so that it has the very last of what the present cluster wrote. */
async function stopData(state: SwapState): Promise<void> {
  await stopApp(state.settings);
  await stopContainer(nameOf(state, 'postgres'), STOP_SECONDS);
  await stopContainer(nameOf(state, 'wal'), STOP_SECONDS);
}

/**
 * Stops early what would be stopped at the swap. Only for a server whose cluster is gone: an api and a postgres in that
 * state take seconds to stop, in which nobody is served, and as much can be recovered meanwhile.
 * @returns starts again what ran, for when nothing comes of the swap
 */
export async function stopUnserved(settings: Settings): Promise<Resume> {
  const postgres = containerName(settings.COMPOSE_PROJECT_NAME, 'postgres');
  const [app] = await Promise.all([stopApp(settings), stopContainer(postgres, STOP_SECONDS)]);
  return async () => {
    for (const name of [postgres, ...app]) await startContainer(name);
  };
}

async function swap(state: SwapState): Promise<string> {
  const { facts, recovered } = state;
  state.stopped = true;
  await Promise.all([stopScratch(recovered.cluster.container), stopData(state)]);
  state.kept = await swapClusters(facts.place, recovered.request.directory, new Date());
  state.swapped = true;
  return state.kept ? `the one from before is ${state.kept}` : 'there was none before';
}

async function startData(state: SwapState): Promise<void> {
  const { settings } = state;
  const postgres = nameOf(state, 'postgres');
  await startContainer(postgres);
  await waitForPostgres(postgres);
  // A cluster from before the password was changed has another.
  await ensureWalRole(postgres, settings.POSTGRES_WAL_PASSWORD ?? '');
  await startContainer(nameOf(state, 'wal'));
}

/** A timeline of its own needs a base backup of its own; without one only the WAL of the old one can be used. */
async function secure({ settings }: SwapState): Promise<void> {
  try {
    await takeBase(settings);
  } catch (error) {
    note(`note: no base backup of the restored cluster: ${(error as Error).message}; next: make base`);
  }
}

/** Takes back what can be taken back. @returns the failure to show, with the state the server is in now */
async function goBack(state: SwapState, error: unknown): Promise<Failure> {
  const failure = toFailure(error);
  const { settings, facts, recovered, kept } = state;
  ignoreInterrupts();
  if (state.committed)
    return new Failure(failure.message, {
      ...failure.details,
      state: `the restored cluster is served${kept ? `; the one from before is kept as ${kept}` : ''}`,
    });
  if (!state.entered && !state.stopped) {
    await removeScratch(recovered.request).catch(() => {});
    await state.resume?.().catch(() => {});
    return failure;
  }
  try {
    if (state.swapped && kept) {
      await stopData(state);
      const directory = await swapBack(facts.place, kept, new Date());
      await removeScratch({ ...recovered.request, directory });
    } else if (!state.swapped) await removeScratch(recovered.request);
    if (!facts.postgres) throw new Error('no cluster served before');
    if (state.stopped) {
      await startData(state);
      await clearCache(settings);
      await serve(state);
    }
    if (state.entered) await leaveRestore(settings);
    if (state.stopped) await bringUp(state.compose);
    return new Failure(failure.message, {
      ...failure.details,
      state: 'the cluster from before is served, as if nothing had been',
    });
  } catch (reason) {
    return leftInBetween(failure, reason, 'make status; then the same command again');
  }
}
