import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { readBases } from '../host/base-catalogue.ts';
import { hasCluster, type Place, placeOf } from '../host/cluster-swap.ts';
import { bringUp, type Compose, createCompose } from '../host/compose.ts';
import { findContainer, lastLogLines } from '../host/containers.ts';
import { lastLines } from '../host/exec.ts';
import { paths } from '../host/paths.ts';
import { readRestorePoints } from '../host/restore-points.ts';
import { listWalFiles, readEpochs, readLineage } from '../host/wal-archive.ts';
import type { BaseManifest } from '../plan/bases.ts';
import { containerName } from '../plan/containers.ts';
import { DATA_SERVICES } from '../plan/deploy.ts';
import {
  chainOf,
  chooseBase,
  describeTarget,
  isOfLineage,
  type Lineage,
  parseMoment,
  type RestoreTarget,
  TooEarlyError,
} from '../plan/restore-at.ts';
import type { Migration } from '../plan/schema.ts';
import { type Epoch, findWalPath, parseLsn, type WalPath } from '../plan/wal.ts';
import { refuse } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { migrationsOf } from './deploy-facts.ts';
import { findServingRelease } from './serving-release.ts';

export interface RestoreAtOptions {
  /** An instant, a restore point's name, or the end of the WAL: exactly one of them. */
  at?: string;
  point?: string;
  latest?: boolean;
  /** Look at it and change nothing. */
  inspect?: boolean;
  /** Names of the only tables to bring back, with commas between them. */
  tables?: string;
  /** Another timeline than the one that serves. */
  timeline?: string;
  yes?: boolean;
  /** Ends when postgres and the receiver run: nothing was deployed on this machine yet. */
  unserved?: boolean;
  wait?: string;
}

/** What a restore to an instant needs to know before it begins. */
export interface RestoreAtFacts {
  target: RestoreTarget;
  /** Directory of all backups. */
  backups: string;
  lineage: Lineage;
  epochs: readonly Epoch[];
  /** A full base backup and the differences to it, oldest first. */
  chain: readonly BaseManifest[];
  wal: WalPath;
  /** The release that serves afterwards, which is the one that serves now, and the migrations it knows. */
  release: string;
  known: readonly Migration[];
  /** Name of the container of the cluster that serves; null when there is none any more, or none that starts. */
  postgres: string | null;
  /** Volume and image of the cluster. */
  place: Place;
}

/** @throws Failure (exit 2) for a target that cannot be reached, before anything is touched */
export async function observeRestoreAt(
  settings: Settings,
  options: RestoreAtOptions,
): Promise<RestoreAtFacts> {
  const target = await readTarget(options);
  const all = await readEpochs(paths.backups);
  const newest = all.at(-1);
  if (!newest)
    throw refuse('no WAL was received yet, so there is no instant to go to', 'make restore FROM=<a backup>');
  const epochs = all.filter(({ system }) => system === newest.system);
  const lineage = await chooseLineage(epochs, newest, options.timeline);
  const bases = await readBases(paths.backups);
  const base = pickBase(bases, lineage, target);
  const files = await listWalFiles(paths.backups, epochs);
  return {
    ...{ target, backups: paths.backups, lineage, epochs },
    chain: chainFor(base, bases),
    wal: findWalPath(parseLsn(base.startLsn), lineage, files),
    ...(await observeServing(settings)),
  };
}

async function readTarget({ at, point, latest }: RestoreAtOptions): Promise<RestoreTarget> {
  const example = 'AT="2026-11-23 14:05:00", POINT=deploy-v1.3.0 or LATEST=1';
  if ([at, point, latest].filter(Boolean).length > 1)
    throw refuse('more than one target', `one of ${example}`);
  if (at !== undefined) {
    const moment = parseMoment(at);
    if (!moment) throw refuse(`"${at}" is no moment`, 'AT="2026-11-23 14:05:00", with Z behind it for UTC');
    if (Date.parse(moment) > Date.now())
      throw refuse(`${moment} has not come yet`, 'LATEST=1 for all there is');
    return { kind: 'time', at: moment };
  }
  if (point === undefined) return { kind: 'latest' };
  const points = await readRestorePoints(paths.backups);
  const found = points.findLast(({ name }) => name === point);
  if (found) return { kind: 'point', point: found };
  const names = [...new Set(points.map(({ name }) => name))].slice(-10);
  throw refuse(
    `there is no restore point ${point}`,
    names.length > 0 ? `POINT=<one of: ${names.join(', ')}>` : 'make deploy makes one; or AT=',
  );
}

/** By default what serves now, or did last: its timeline is that of the newest epoch. */
async function chooseLineage(
  epochs: readonly Epoch[],
  newest: Epoch,
  wanted: string | undefined,
): Promise<Lineage> {
  const known = [...new Set(epochs.map(({ timeline }) => timeline))];
  const timeline = wanted === undefined ? newest.timeline : Number(wanted);
  if (!known.includes(timeline))
    throw refuse(`there is no WAL of timeline ${wanted}`, `TIMELINE=<one of: ${known.join(', ')}>`);
  try {
    return await readLineage(paths.backups, epochs, { system: newest.system, timeline });
  } catch (error) {
    throw refuse(
      `where timeline ${timeline} began is not known: ${(error as Error).message}`,
      'make backups',
    );
  }
}

function pickBase(bases: readonly BaseManifest[], lineage: Lineage, target: RestoreTarget): BaseManifest {
  try {
    return chooseBase(bases, lineage, target);
  } catch (error) {
    if (!(error instanceof TooEarlyError)) throw error;
    const others = bases.filter((base) => !isOfLineage(base, lineage)).map(({ timeline }) => timeline);
    const other = others.length > 0 ? `; TIMELINE=${others.at(-1)} has others` : '';
    throw refuse(
      `${describeTarget(target)}: ${error.message}${other}`,
      error.earliest
        ? `AT="${error.earliest.replace('T', ' ')}" or later`
        : 'make base takes one; make restore FROM=',
    );
  }
}

function chainFor(base: BaseManifest, bases: readonly BaseManifest[]): BaseManifest[] {
  try {
    return chainOf(base, bases);
  } catch (error) {
    throw refuse((error as Error).message, 'an earlier target, of another base backup: make backups');
  }
}

async function observeServing(
  settings: Settings,
): Promise<Pick<RestoreAtFacts, 'release' | 'known' | 'postgres' | 'place'>> {
  const { release, imageId } = await findServingRelease(settings);
  const compose = createCompose(settings);
  const project = settings.COMPOSE_PROJECT_NAME;
  const place = placeOf(settings);
  const postgres = containerName(project, 'postgres');
  const serves = await startData(compose, place, postgres);
  return {
    ...{ release, place },
    known: await migrationsOf(compose, imageId, await compose.configHashes()),
    postgres: serves ? postgres : null,
  };
}

const LOOK_SECONDS = 20;

/** @returns whether there is a cluster that serves */
async function startData(compose: Compose, place: Place, postgres: string): Promise<boolean> {
  // Container and volume as compose makes them, were they gone.
  await compose.run('create', '--no-recreate', 'postgres', 'wal');
  const redis = DATA_SERVICES.filter((service) => service !== 'postgres');
  if (!(await hasCluster(place))) {
    await step('Redis healthy; postgres has no cluster to serve', () => bringUp(compose, ...redis));
    return false;
  }
  try {
    await step('data services, healthy', () => bringUp(compose, ...DATA_SERVICES));
    return true;
  } catch (error) {
    if (!(await isCrashing(postgres))) throw error;
    note('  note: postgres does not start on the cluster that is there, which is kept; its last words:');
    note(lastLines(await lastLogLines(postgres), 3));
    await step('Redis healthy', () => bringUp(compose, ...redis));
    return false;
  }
}

/** One that only takes long, or does not answer, is not for us to give up. */
async function isCrashing(name: string): Promise<boolean> {
  for (let tries = 0; tries < LOOK_SECONDS * 10; tries += 1) {
    const { status = '' } = (await findContainer(name)) ?? {};
    if (['restarting', 'exited', 'dead'].includes(status)) return true;
    await delay(100);
  }
  return false;
}
