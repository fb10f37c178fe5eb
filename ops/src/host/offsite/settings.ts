import type { Settings } from '../../config/validate.ts';
import { EXIT, Failure } from '../../report/failure.ts';
import type { BucketSettings } from './bucket.ts';

/** The bucket that .env names; null: backups stay on this server. @throws Failure (exit 2) when something is missing */
export function bucketOf(settings: Settings): BucketSettings | null {
  const { BACKUP_S3_BUCKET: bucket } = settings;
  if (!bucket) return null;
  const needed = ['BACKUP_S3_ACCESS_KEY_ID', 'BACKUP_S3_SECRET_ACCESS_KEY', 'BACKUP_AGE_RECIPIENTS'] as const;
  const missing = needed.filter((key) => !settings[key]);
  if (missing.length > 0)
    throw new Failure(`BACKUP_S3_BUCKET is set in .env, and ${missing.join(' and ')} is not`, {
      ...{ state: 'nothing was sent', next: 'set it, or empty BACKUP_S3_BUCKET', exitCode: EXIT.usage },
    });
  return {
    ...{
      bucket,
      endpoint: settings.BACKUP_S3_ENDPOINT || undefined,
      region: settings.BACKUP_S3_REGION || 'us-east-1',
    },
    ...{ prefix: settings.BACKUP_S3_PREFIX ?? '', pathStyle: settings.BACKUP_S3_PATH_STYLE === 'true' },
    accessKeyId: settings.BACKUP_S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: settings.BACKUP_S3_SECRET_ACCESS_KEY ?? '',
  };
}
