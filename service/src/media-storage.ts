import type { Config } from './config.ts';
import { localStorage } from './storage/local.ts';
import type { S3Settings } from './storage/s3-client.ts';
import type { Storage } from './storage/storage.ts';

type Serving = Config<'api'> | Config<'worker'> | Config<'seed'> | Config<'media check'>;

/** The storage that the settings name. The bucket's driver is loaded only by those who have a bucket. */
export async function openStorage(config: Serving): Promise<Storage> {
  if (config.MEDIA_STORAGE === 'local') return localStorage(config.UPLOADS_DIR);
  const { s3Storage } = await import('./storage/s3.ts');
  return s3Storage(bucketSettings(config), config.UPLOADS_DIR);
}

/** The bucket that the settings name. Only for a configuration that asked for one: then nothing is missing. */
export function bucketSettings(config: Serving | Config<'media'>): S3Settings {
  return {
    endpoint: config.MEDIA_S3_ENDPOINT,
    region: config.MEDIA_S3_REGION ?? '',
    bucket: config.MEDIA_S3_BUCKET ?? '',
    accessKeyId: config.MEDIA_S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: config.MEDIA_S3_SECRET_ACCESS_KEY ?? '',
    pathStyle: config.MEDIA_S3_PATH_STYLE,
    publicUrl: config.MEDIA_S3_PUBLIC_URL,
  };
}
