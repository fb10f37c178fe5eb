import type { Settings } from '../config/validate.ts';
import { endBaseBackup, takeBaseBackup } from '../host/base-backup.ts';
import type { Watch } from '../host/dump.ts';
import { recordEvent } from '../host/ledger.ts';
import { paths } from '../host/paths.ts';
import { awaitEpoch } from '../host/wal-archive.ts';
import { sizeOf } from '../plan/backups.ts';
import type { BaseManifest } from '../plan/bases.ts';
import { containerName } from '../plan/containers.ts';
import { step } from '../report/steps.ts';
import { requirePostgres } from './take-backup.ts';

/**
 * Takes a base backup, shows one line for it and writes into the ledger how it went. The caller holds the lock.
 * @throws Failure, with nothing left of it
 */
export async function takeBase(settings: Settings, watch: Watch = step): Promise<BaseManifest> {
  const started = new Date();
  const event = () => ({
    what: 'base' as const,
    ...{ started: started.toISOString(), seconds: (Date.now() - started.getTime()) / 1000 },
  });
  try {
    const postgresContainer = await requirePostgres(settings);
    const walContainer = containerName(settings.COMPOSE_PROJECT_NAME, 'wal');
    await endBaseBackup(walContainer);
    const base = await watch('base backup, verified', async (progress) =>
      takeBaseBackup({
        ...{ postgresContainer, walContainer, postgresImage: settings.POSTGRES_IMAGE },
        ...{
          epoch: (await awaitEpoch(postgresContainer, paths.backups)).name,
          backups: paths.backups,
          now: started,
          fullBelowMegabytes: Number(settings.BASE_FULL_BELOW_MB),
          progress,
        },
      }),
    );
    await recordEvent({ ...event(), result: 'done', backup: base.id, bytes: sizeOf(base) });
    return base;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await recordEvent({ ...event(), result: 'failed', why }).catch(() => {});
    throw error;
  }
}
