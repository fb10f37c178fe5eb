import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { alertNow } from '../host/alerts.ts';
import { readCatalogue } from '../host/catalogue.ts';
import { writeDrillRecord } from '../host/dump.ts';
import { loadSettings } from '../host/env-file.ts';
import { eventRecorder } from '../host/ledger.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { findMediaDamage, refuseDamage } from '../host/media-damage.ts';
import { readMediaList } from '../host/media-store.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { paths } from '../host/paths.ts';
import { startThrowaway } from '../host/throwaway.ts';
import type { Manifest } from '../plan/backups.ts';
import { EXIT, type ExitCode, Failure, formatFailure, toFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { drillAt } from './drill-at.ts';
import { drillOffsite } from './drill-offsite.ts';
import { PHOTO_SAMPLE, proveDump } from './prove-dump.ts';
import { ourselvesOf } from './switch-edge.ts';

/**
 * Both drills: the newest backup (or the one that is named, and that alone), then a base backup and its WAL to an instant.
 * With a bucket for `from` both are of what lies there instead.
 * @throws Failure for FAIL and NOT RUN of either, when both are over and in the ledger
 */
export async function drill(options: { from?: string; key?: string; wait?: string }): Promise<ExitCode> {
  if (options.from?.startsWith('s3:') || options.key) return drillOffsite(options);
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  const results = [await settle(drillBackup(settings, options.from, waitSeconds))];
  if (!options.from)
    results.push(
      await settle(
        withLock('drill', waitSeconds, () => drillAt(settings)).finally(() => finishDrill(settings)),
      ),
    );
  const [first, second] = results.filter((one) => one !== null);
  // The one that is thrown is shown by whoever called; the other one must not be lost.
  if (second instanceof Failure) note(formatFailure(second));
  if (first) throw first;
  return EXIT.done;
}

const settle = (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => null,
    (error: unknown) => error,
  );

/**
 * Restores a backup into a throwaway postgres and compares every table. The live database is not touched.
 * PASS and FAIL speak of the backup; NOT RUN says that nobody knows, which is no better.
 */
async function drillBackup(settings: Settings, from: string | undefined, waitSeconds: number): Promise<void> {
  const started = new Date();
  const record = eventRecorder('drill', started);
  let backup: Manifest | undefined;
  try {
    await withLock('drill', waitSeconds, async () => {
      backup = await chooseBackup(from);
      const name = `${settings.COMPOSE_PROJECT_NAME}-drill`;
      const server = await step('a throwaway postgres without a network', () =>
        startThrowaway(name, backup as Manifest, settings.POSTGRES_IMAGE),
      );
      try {
        await rehearse(backup, server.container, record);
      } finally {
        await server.remove();
      }
    });
  } catch (error) {
    if (error instanceof DrillFailed) throw error.failure;
    const why = error instanceof Error ? error.message : String(error);
    await record('not-run', { why, ...(backup ? { backup: backup.id } : {}) });
    note('\nNOT RUN: whether the backups can be restored is not known');
    throw error;
  } finally {
    await finishDrill(settings);
  }
}

/** The backup did not stand the drill; already in the ledger. */
class DrillFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

async function rehearse(
  backup: Manifest,
  container: string,
  record: ReturnType<typeof eventRecorder>,
): Promise<void> {
  const directory = path.join(paths.backups, backup.id);
  const started = Date.now();
  const conclude = async (result: 'pass' | 'fail', why?: string) => {
    const seconds = (Date.now() - started) / 1000;
    const reason = why ? { why } : {};
    await writeDrillRecord(directory, { time: new Date().toISOString(), result, seconds, ...reason });
    await record(result, { backup: backup.id, seconds, ...reason });
    return seconds;
  };
  try {
    await proveDump(backup, directory, container);
    if (backup.media.storage === 'local') await step('photos', () => samplePhotos(directory));
  } catch (error) {
    const failure = toFailure(error);
    await conclude('fail', failure.message);
    note(`\nFAIL: ${backup.id} cannot be restored as it was dumped`);
    throw new DrillFailed(
      new Failure(failure.message, {
        ...failure.details,
        state: 'the live database was not touched',
        next: 'make backup now, then make drill again',
      }),
    );
  }
  const seconds = await conclude('pass');
  note(`\nPASS: ${backup.id} restored and compared in ${seconds.toFixed(1)} s`);
}

async function samplePhotos(directory: string): Promise<string> {
  const files = await readMediaList(directory);
  const damage = await findMediaDamage(files, paths.backups, { sample: PHOTO_SAMPLE });
  refuseDamage(damage);
  return `${Math.min(PHOTO_SAMPLE, files.length)} of ${files.length} read`;
}

/** An older one that stands the drill proves nothing of a newer one that is damaged. */
async function chooseBackup(id: string | undefined): Promise<Manifest> {
  const { backups, broken } = await readCatalogue(paths.backups, { thorough: false });
  const found = backups.find(({ manifest }) => !id || manifest.id === id)?.manifest;
  const damaged = broken.find(({ name }) =>
    id ? name === id : /^\d/.test(name) && name > (found?.id ?? ''),
  );
  if (damaged)
    throw new Failure(`${damaged.name} is no backup any more: ${damaged.why}`, { next: 'make backups' });
  if (found) return found;
  throw new Failure(id ? `there is no backup ${id}` : 'there is no backup', { next: 'make backup' });
}

async function finishDrill(settings: Settings): Promise<void> {
  await writePanelStatus(ourselvesOf(settings));
  await alertNow(settings);
}
