import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { ensureBaseImages } from '../host/base-images.ts';
import { envFileExists, loadSettings } from '../host/env-file.ts';
import { writeAtomically } from '../host/files.ts';
import { paths } from '../host/paths.ts';
import { buildServiceImage, findImageIds, localTag, pullServiceImage } from '../host/service-image.ts';
import { BASE_IMAGE_KEYS } from '../plan/base-images.ts';
import { BASE_STORE } from '../plan/bases.ts';
import { parseMoment } from '../plan/restore-at.ts';
import { type ExitCode, Failure, refuse } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { deploy } from './deploy.ts';
import { prepareDirectories } from './preflight.ts';
import { openRemote } from './remote-backups.ts';
import { restoreAt } from './restore-at.ts';

export interface RecoverOptions {
  /** s3://bucket/prefix */
  from?: string;
  /** File with the private key. */
  key?: string;
  /** An instant; without it the last commit that the bucket has. */
  at?: string;
}

/**
 * Brings the whole site back on a machine that has nothing but this repository: settings, base backup, WAL and photos from
 * the bucket, then the cluster to its last commit or to an instant, then the release that served.
 * @throws Failure; what was fetched stays, and the same command goes on from there
 */
export async function recover({ from, key, at }: RecoverOptions): Promise<ExitCode> {
  const started = Date.now();
  if (!from || !key)
    throw refuse('FROM= and KEY= are needed', 'make recover FROM=s3://bucket/prefix KEY=key.txt');
  const moment = at === undefined ? null : parseMoment(at);
  if (at !== undefined && !moment) throw refuse(`"${at}" is no moment`, 'AT="2026-11-23 14:05:00"');
  const remote = await openRemote(from, key);
  await refuseOccupied();
  const wanted = await remote.look(moment);
  await step('settings', async () => bringSettings(await remote.settings()));
  await prepareDirectories(await loadSettings());
  await step(`base backup ${wanted.base}, WAL, photos`, (progress) =>
    remote.fetch(wanted.places, paths.backups, progress),
  );
  await bringImages();
  await restoreAt({ ...(at === undefined ? { latest: true } : { at }), yes: true, unserved: true });
  const { IMAGE_TAG } = await loadSettings();
  const exitCode = await deploy({ ...(IMAGE_TAG ? { tag: IMAGE_TAG } : {}), yes: true });
  await rm(path.join(paths.state, MARK), { force: true });
  note(`\nrecovered from ${from} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return exitCode;
}

/** Never over a server that has something of its own; a recovery that was killed goes on. */
async function refuseOccupied(): Promise<void> {
  const bases = await readdir(path.join(paths.backups, BASE_STORE)).catch(() => []);
  const isOurs = await readdir(paths.state).then(
    (names) => names.includes(MARK),
    () => false,
  );
  if (isOurs || (!(await envFileExists()) && bases.length === 0)) return;
  throw refuse(
    'this is no fresh machine: there is an .env, or there are base backups',
    'make restore LATEST=1 for what is here; or a new clone of the repository',
  );
}

const MARK = 'recovering';

async function bringSettings(text: string): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await writeAtomically(path.join(paths.state, MARK), '', 0o600);
  await writeAtomically(paths.env, text, 0o600);
}

async function bringImages(): Promise<void> {
  let settings = await loadSettings();
  const present = await findImageIds(BASE_IMAGE_KEYS.map((name) => settings[name]));
  const missing = BASE_IMAGE_KEYS.filter((name) => !present[settings[name]]);
  if (missing.length > 0) await step('base images', () => ensureBaseImages(settings, missing));
  settings = await loadSettings();
  const tag = settings.IMAGE_TAG ?? '';
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  if ((await findImageIds([reference]))[reference]) return;
  if (tag.startsWith('local-') && tag !== (await localTag()))
    throw new Failure(`${tag} served, which was built from another checkout than this one`, {
      state: 'settings, base backup and WAL are here; nothing runs yet',
      next: 'check out the commit that it was built from, then the same command again',
    });
  await step(`image ${tag}`, () =>
    tag.startsWith('local-') ? buildServiceImage(settings, tag) : pullServiceImage(settings, tag),
  );
}
