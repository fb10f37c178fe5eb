import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { bumpJobVersion, markFailed, type OwedPhoto, takeOwedPhotos } from '../db/outbox.ts';
import { enqueueMedia, type MediaJob, mediaJobId } from './queues.ts';

const BATCH = 100;
// A photo that brought the worker down this often will do it again.
const MAX_VERSIONS = 5;

/**
 * Adds the jobs of photos that have been owed their variants for too long: the queue was away at the upload,
 * lost its data, or is older than a restored database. Returns how many were looked at.
 */
export async function sweep(
  deps: { db: Knex; queue: Queue<MediaJob>; redis: Redis },
  staleAfterSeconds: number,
): Promise<number> {
  const owed = await takeOwedPhotos(deps.db, staleAfterSeconds, BATCH);
  for (const photo of owed) await requeue(deps, photo);
  return owed.length;
}

async function requeue({ db, queue, redis }: Parameters<typeof sweep>[0], photo: OwedPhoto): Promise<void> {
  const job = await queue.getJob(mediaJobId(photo.id, photo.jobVersion));
  if (!job) return enqueueMedia(queue, redis, photo.id, photo.jobVersion);
  // Still waiting or at work: a long queue is not a lost job.
  if (!(await job.isCompleted()) && !(await job.isFailed())) return;
  if (photo.jobVersion >= MAX_VERSIONS) {
    const reason = `gave up after ${MAX_VERSIONS} jobs: ${job.failedReason ?? 'no reason recorded'}`;
    return markFailed(db, photo.id, reason, job.attemptsMade);
  }
  const version = await bumpJobVersion(db, photo.id);
  if (version) await enqueueMedia(queue, redis, photo.id, version);
}
