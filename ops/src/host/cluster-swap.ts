import type { Settings } from '../config/validate.ts';
import { formatStamp } from '../plan/backups.ts';
import { VOLUME_ROOT } from './isolated.ts';
import { inVolume } from './scratch-cluster.ts';

/** The directory that postgres serves from; compose/data.yml names it in PGDATA. */
const CLUSTER = 'cluster';
/** What is about to be the cluster: where postgres finds it and no cluster, compose/postgres/start.sh finishes the swap. */
const NEXT = 'next';
const KEPT = 'before-';
const SCRATCH = 'restore-';

/** Image and volume of a cluster. */
export interface Place {
  image: string;
  volume: string;
}

/** Those of the cluster that serves, as compose/data.yml names them. */
export const placeOf = (settings: Settings): Place => ({
  image: settings.POSTGRES_IMAGE,
  volume: `${settings.COMPOSE_PROJECT_NAME}_postgres`,
});

/** A cluster that a restore has put aside. */
export interface KeptCluster {
  directory: string;
  bytes: number;
}

/** Name of the directory that a recovery works in. */
export const scratchDirectory = (now: Date) => `${SCRATCH}${formatStamp(now)}`;

/**
 * Puts a recovered cluster into the place of the one that served, which is kept. Nothing may run on either. Renames only,
 * in an order that the start of postgres can finish: a kill in between loses nothing.
 * @returns name of the directory with the cluster from before, or null when there was none
 */
export async function swapClusters(place: Place, directory: string, now: Date): Promise<string | null> {
  const kept = `${KEPT}${formatStamp(now)}`;
  const script = [
    `set -eu; cd "$1"; rm -rf ${NEXT}; mv "$2" ${NEXT}; sync -f .`,
    `if [ -e ${CLUSTER} ]; then mv ${CLUSTER} "$3"; echo kept; fi`,
    `mv ${NEXT} ${CLUSTER}; sync -f .`,
  ].join('\n');
  const said = await inVolume(place, 'sh', '-c', script, 'swap', VOLUME_ROOT, directory, kept);
  return said.trim() === 'kept' ? kept : null;
}

/** Takes a swap back. @returns name of the directory with the cluster that had been restored */
export async function swapBack(place: Place, kept: string, now: Date): Promise<string> {
  const directory = scratchDirectory(now);
  const script = [
    `set -eu; cd "$1"; rm -rf ${NEXT}; mv "$3" ${NEXT}; sync -f .`,
    `mv ${CLUSTER} "$2"; mv ${NEXT} ${CLUSTER}; sync -f .`,
  ].join('\n');
  await inVolume(place, 'sh', '-c', script, 'swap', VOLUME_ROOT, directory, kept);
  return directory;
}

/** Clusters that restores have kept, and what killed ones left, oldest first. */
export async function listKeptClusters(place: Place): Promise<KeptCluster[]> {
  const script = `cd "$1"; for d in ${KEPT}* ${SCRATCH}* ${NEXT}; do [ ! -d "$d" ] || du -sb "$d"; done`;
  const lines = (await inVolume(place, 'sh', '-c', script, 'list', VOLUME_ROOT)).trim().split('\n');
  return lines
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([bytes, directory = '']) => ({ directory, bytes: Number(bytes) }));
}

/** @param cluster one of listKeptClusters */
export async function removeKeptCluster(place: Place, { directory }: KeptCluster): Promise<void> {
  await inVolume(place, 'rm', '-rf', '--', `${VOLUME_ROOT}/${directory}`);
}

/** Whether there is a cluster that postgres could serve. */
export async function hasCluster(place: Place): Promise<boolean> {
  const script = '[ -s "$1/PG_VERSION" ] && echo yes || true';
  return (await inVolume(place, 'sh', '-c', script, 'look', `${VOLUME_ROOT}/${CLUSTER}`)).trim() === 'yes';
}
