import type { Settings } from '../config/validate.ts';
import { eventRecorder } from '../host/ledger.ts';
import { paths } from '../host/paths.ts';
import { describeTarget } from '../plan/restore-at.ts';
import { Failure, toFailure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { findGround, proveInstant } from './prove-instant.ts';

/**
 * Recovers a random base backup to a random commit in a cluster that nobody reaches, and proves it: the heartbeat then is
 * of that moment, pg_amcheck finds every table and index sound, and pg_checksums every page. The caller holds the lock.
 * @throws Failure for FAIL and NOT RUN, after both are in the ledger
 */
export async function drillAt(settings: Settings): Promise<void> {
  const started = new Date();
  const record = eventRecorder('drill-at', started);
  const ground = await findGround(paths.backups, settings.POSTGRES_IMAGE, 'random').catch(
    async (error: Error) => {
      await record('not-run', { why: error.message });
      note('\nNOT RUN: whether an instant can be restored is not known');
      throw error;
    },
  );
  try {
    const at = await proveInstant(ground, `${settings.COMPOSE_PROJECT_NAME}-drill-at`, 'random');
    const target = describeTarget({ kind: 'time', at });
    await record('pass', { backup: ground.base.id, target });
    const seconds = ((Date.now() - started.getTime()) / 1000).toFixed(1);
    note(`\nPASS: ${ground.base.id} recovered to ${target} and found sound in ${seconds} s`);
  } catch (error) {
    const failure = toFailure(error);
    await record('fail', { backup: ground.base.id, why: failure.message });
    note(`\nFAIL: ${ground.base.id} and its WAL cannot be restored to an instant`);
    throw new Failure(failure.message, {
      ...failure.details,
      state: 'the live database was not touched',
      next: 'make base now, then make drill again; make backups names what is damaged',
    });
  }
}
