import type { Settings } from '../config/validate.ts';

const NEEDED = [
  'MEDIA_S3_REGION',
  'MEDIA_S3_BUCKET',
  'MEDIA_S3_ACCESS_KEY_ID',
  'MEDIA_S3_SECRET_ACCESS_KEY',
] as const;

/** The settings without which there is no bucket. */
export function missingForCopy(settings: Partial<Settings>): string[] {
  return NEEDED.filter((key) => !settings[key]);
}
