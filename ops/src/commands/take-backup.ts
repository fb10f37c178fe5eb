import type { Settings } from '../config/validate.ts';
import { findContainer } from '../host/containers.ts';
import { type DumpRequest, takeDump } from '../host/dump.ts';
import { recordEvent } from '../host/ledger.ts';
import { paths } from '../host/paths.ts';
import { listApplied } from '../host/schema.ts';
import { type Manifest, sizeOf } from '../plan/backups.ts';
import { containerName } from '../plan/containers.ts';
import { Failure } from '../report/failure.ts';
import { step } from '../report/steps.ts';

/** The database's container. @throws Failure when it does not run */
export async function requirePostgres(settings: Settings): Promise<string> {
  const name = containerName(settings.COMPOSE_PROJECT_NAME, 'postgres');
  if ((await findContainer(name))?.status === 'running') return name;
  throw new Failure('postgres does not run', { next: 'make start, or make logs SERVICE=postgres' });
}

/**
 * Takes a whole backup, database and photos, one line for each part, and writes into the ledger how it went. The
 * caller holds the lock.
 * @throws Failure, with nothing left of it
 */
export async function takeBackup(settings: Settings, reason: string): Promise<Manifest> {
  const started = new Date();
  const event = () => ({
    what: 'backup' as const,
    ...{ started: started.toISOString(), seconds: (Date.now() - started.getTime()) / 1000 },
  });
  try {
    const postgresContainer = await requirePostgres(settings);
    const manifest = await takeDump({
      ...{
        postgresContainer,
        postgresImage: settings.POSTGRES_IMAGE,
        release: settings.IMAGE_TAG ?? '',
        reason,
      },
      migrations: (await listApplied(postgresContainer)).map(({ name }) => name),
      ...{ media: mediaOf(settings), now: started, watch: step },
    });
    await recordEvent({ ...event(), result: 'done', backup: manifest.id, bytes: sizeOf(manifest) });
    return manifest;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await recordEvent({ ...event(), result: 'failed', why }).catch(() => {});
    throw error;
  }
}

function mediaOf(settings: Settings): NonNullable<DumpRequest['media']> {
  if (settings.MEDIA_STORAGE === 'local') return { uploads: paths.uploads };
  const { MEDIA_S3_ENDPOINT: endpoint = '', MEDIA_S3_BUCKET: bucket = '' } = settings;
  return { storage: 's3', endpoint, bucket };
}
