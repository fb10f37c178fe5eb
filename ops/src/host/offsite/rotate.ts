import { findExpiredObjects } from '../../plan/offsite.ts';
import { type Bucket, NotAllowedError } from './bucket.ts';

/**
 * Deletes what is older than it is kept, where the credential may list and delete; manifests first, so that what is half
 * deleted is no backup.
 * @returns how many objects went; null: it may not, and the bucket's own lifecycle has to
 */
export async function rotateBucket(bucket: Bucket, now: Date, keepDays: number): Promise<number | null> {
  try {
    const expired = findExpiredObjects(await bucket.list(), now, keepDays);
    const isManifest = (key: string) => key.endsWith('manifest.json.age');
    for (const key of [...expired.filter(isManifest), ...expired.filter((key) => !isManifest(key))])
      await bucket.remove(key);
    return expired.length;
  } catch (error) {
    if (error instanceof NotAllowedError) return null;
    throw error;
  }
}
