import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { ensureBaseImages } from '../host/base-images.ts';
import { listBackups } from '../host/catalogue.ts';
import { parseSettings } from '../host/env-file.ts';
import { eventRecorder } from '../host/ledger.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { choose, findMediaDamage, refuseDamage } from '../host/media-damage.ts';
import { readMediaList } from '../host/media-store.ts';
import { DamagedObject } from '../host/offsite/age.ts';
import { paths } from '../host/paths.ts';
import { findImageIds } from '../host/service-image.ts';
import { startThrowaway } from '../host/throwaway.ts';
import { type Manifest, MEDIA_STORE } from '../plan/backups.ts';
import { objectPath } from '../plan/media-files.ts';
import { describeTarget } from '../plan/restore-at.ts';
import { EXIT, type ExitCode, Failure, refuse, toFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { PHOTO_SAMPLE, proveDump } from './prove-dump.ts';
import { findGround, proveInstant } from './prove-instant.ts';
import { openRemote, type RemoteBackups } from './remote-backups.ts';

/**
 * Proves what a bucket has, on any machine with an engine, which need not be the server and had better not be: the private
 * key has no business there. Fetches base backup, WAL and the newest dump, recovers to the last commit, compares every table
 * of the dump, looks for every photo and reads some. What was fetched goes again.
 * @throws Failure for FAIL and NOT RUN, after it is in the ledger of this checkout
 */
export async function drillOffsite(options: {
  from?: string;
  key?: string;
  wait?: string;
}): Promise<ExitCode> {
  const { from, key } = options;
  if (!from?.startsWith('s3:') || !key)
    throw refuse('FROM= and KEY= belong together', 'make drill FROM=s3://bucket/prefix KEY=key.txt');
  const started = new Date();
  const backups = path.join(paths.state, 'drill-offsite');
  const record = eventRecorder('drill-offsite', started);
  const remote = await openRemote(from, key);
  return withLock('drill', parseWait(options.wait), async () => {
    let brought: Brought | null = null;
    try {
      brought = await bring(remote, backups);
      const at = await rehearse({ ...brought, remote, backups });
      await record('pass', { target: describeTarget({ kind: 'time', at }) });
      const seconds = (Date.now() - started.getTime()) / 1000;
      const age = Math.round((started.getTime() - Date.parse(at)) / 1000);
      note(
        `\nPASS: ${from} recovered to ${at}, ${age} s before this drill began, in ${seconds.toFixed(1)} s`,
      );
      return EXIT.done;
    } catch (error) {
      const failure = toFailure(error);
      // A bucket that does not answer says nothing of what is in it.
      const isVerdict = brought !== null || error instanceof DamagedObject;
      await record(isVerdict ? 'fail' : 'not-run', { why: failure.message });
      note(
        isVerdict
          ? `\nFAIL: ${from} cannot be restored`
          : '\nNOT RUN: whether the bucket can be restored is not known',
      );
      throw new Failure(failure.message, {
        next: 'on the server: make doctor, make base, make backup, make offsite; then this drill again',
        ...failure.details,
        state: 'nothing was changed',
      });
    } finally {
      await rm(backups, { recursive: true, force: true });
    }
  });
}

interface Brought {
  settings: Settings;
  /** Keys of photos in the bucket, and where each goes. */
  photos: ReadonlyMap<string, string>;
}

async function bring(remote: RemoteBackups, backups: string): Promise<Brought> {
  const wanted = await remote.look(null);
  const isPhoto = ([, place]: [string, string]) => place.startsWith(`${MEDIA_STORE}/`);
  const all = [...wanted.places];
  const settings = await parseSettings(await remote.settings(), '.env in the bucket');
  await rm(backups, { recursive: true, force: true });
  await mkdir(backups, { recursive: true, mode: 0o700 });
  await step(`base backup ${wanted.base}, WAL, dump`, (progress) =>
    remote.fetch(new Map(all.filter((one) => !isPhoto(one))), backups, progress),
  );
  const { POSTGRES_IMAGE: image } = settings;
  const isHere = (await findImageIds([image]))[image];
  const chosen = isHere
    ? {}
    : await step('image of postgres', () => ensureBaseImages(settings, ['POSTGRES_IMAGE']));
  return { settings: { ...settings, ...chosen }, photos: new Map(all.filter(isPhoto)) };
}

/** @returns the moment of the last commit */
async function rehearse(brought: Brought & { remote: RemoteBackups; backups: string }): Promise<string> {
  const { settings, backups } = brought;
  const { COMPOSE_PROJECT_NAME: project, POSTGRES_IMAGE: image } = settings;
  const ground = await findGround(backups, image, 'newest');
  const at = await proveInstant(ground, `${project}-drill-offsite`, 'latest');
  const dump = (await listBackups(backups)).at(0);
  if (!dump) throw new Failure('the bucket has no dump that is whole');
  const server = await step('a throwaway postgres without a network', () =>
    startThrowaway(`${project}-drill-offsite`, dump, image),
  );
  try {
    await proveDump(dump, path.join(backups, dump.id), server.container);
  } finally {
    await server.remove();
  }
  if (dump.media.storage === 'local') await step('photos', () => samplePhotos(brought, dump));
  return at;
}

/** Every photo must be there; some, chosen by chance, are fetched and read. */
async function samplePhotos(
  { remote, photos, backups }: Brought & { remote: RemoteBackups; backups: string },
  dump: Manifest,
): Promise<string> {
  const files = await readMediaList(path.join(backups, dump.id));
  const keyOf = ({ sha256 }: { sha256: string }) => `${MEDIA_STORE}/${objectPath(sha256)}`;
  const missing = files.filter((file) => !photos.has(keyOf(file)));
  if (missing.length > 0)
    throw new Failure(`the bucket lacks ${missing.length} of ${files.length} photo files`, {
      log: missing
        .slice(0, 15)
        .map(({ path: name }) => name)
        .join('\n'),
    });
  const sample = choose(files, PHOTO_SAMPLE);
  const keys = sample.map(keyOf);
  await remote.fetch(new Map([...photos].filter(([key]) => keys.includes(key))), backups, () => {});
  refuseDamage(await findMediaDamage(sample, backups));
  return `${files.length} there, ${sample.length} read`;
}
