import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { Knex } from 'knex';
import type { Cache } from '../cache/cache.ts';
import { markFailed, markReady } from '../db/outbox.ts';
import { findPhoto } from '../db/photos.ts';
import type { Logger } from '../log.ts';
import { NotStoredError, type Storage, StorageAwayError } from '../storage/storage.ts';
import type { MediaJob } from './queues.ts';
import { makeVariants } from './variants.ts';

const MAX_WAIT_SECONDS = 60;

/** What the jobs need; the worker process opens it. */
export interface JobDependencies {
  db: Knex;
  storage: Storage;
  cache: Cache;
  log: Logger;
}

/**
 * Makes the variants of one photo. May run any number of times, also twice at once: keys are the same every
 * time, and only a row in state 'uploaded' is worked on.
 * @throws {UnrecoverableError} when trying again cannot help.
 */
export async function processMedia(deps: JobDependencies, job: Pick<Job<MediaJob>, 'data'>): Promise<void> {
  const { db, storage, cache } = deps;
  const photo = await findPhoto(db, job.data.photoId, true);
  if (photo?.state !== 'uploaded') return;
  const variants = await makeVariants(storage, photo.originalKey, photo.width).catch(explain);
  if (await markReady(db, photo.id, variants)) return cache.invalidate();
  // Deleted while we worked: nobody else knows of these files.
  for (const { key } of variants) await storage.remove('variants', key);
}

/**
 * Works on one job of the queue. While the storage is away the job waits, however long that takes: that is not the
 * photo's fault, and no attempt is counted.
 * @throws {DelayedError} which tells BullMQ that the job waits.
 */
export async function runMediaJob(
  deps: JobDependencies,
  job: Job<MediaJob>,
  token: string | undefined,
): Promise<void> {
  try {
    await processMedia(deps, job);
  } catch (error) {
    if (!(error instanceof StorageAwayError)) throw error;
    const seconds = Math.min(2 ** job.attemptsStarted, MAX_WAIT_SECONDS);
    deps.log.warn({ jobId: job.id, seconds, err: error }, 'storage is away; the job waits');
    await job.moveToDelayed(Date.now() + seconds * 1000, token);
    throw new DelayedError();
  }
}

function explain(error: Error): never {
  if (error instanceof NotStoredError) throw new UnrecoverableError('the original file is missing');
  // An error with a code is the disk's and may pass; sharp's own have none and speak of the image.
  if ('code' in error || error instanceof StorageAwayError) throw error;
  throw new UnrecoverableError(`the image cannot be decoded: ${error.message}`);
}

/** Writes down a failure that will not be tried again, so that whoever asks for the photo learns why. */
export async function recordFailure(
  deps: JobDependencies,
  job: Job<MediaJob> | undefined,
  error: Error,
): Promise<void> {
  if (!job) return;
  const final = error instanceof UnrecoverableError || job.attemptsMade >= (job.opts.attempts ?? 1);
  deps.log.warn({ jobId: job.id, attempt: job.attemptsMade, final, err: error }, 'media job failed');
  if (!final) return;
  await markFailed(deps.db, job.data.photoId, error.message, job.attemptsMade);
  await deps.cache.invalidate();
}
