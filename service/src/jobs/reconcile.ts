import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { type OwedPhoto, owedPhotosAfter, type PhotoVersion, photoVersions } from '../db/outbox.ts';
import { enqueueMedia, type MediaJob, mediaJobId, parseMediaJobId } from './queues.ts';

const BATCH = 500;

// Where a job can be, apart from the finished ones.
const UNFINISHED = ['wait', 'active', 'delayed', 'prioritized', 'waiting-children'] as const;
const FINISHED = ['completed', 'failed'] as const;

/** What was done to the queue. */
export interface Reconciliation {
  removed: number;
  kept: number;
  enqueued: number;
}

interface Dependencies {
  db: Knex;
  queue: Queue<MediaJob>;
  redis: Redis;
}

/** The queue cannot be compared with anything now: its Redis is away, or a worker is at work. */
export class QueueNotReadyError extends Error {
  override name = 'QueueNotReadyError';
}

/**
 * Makes the queue what a restored database says. Jobs that no row names are removed, finished ones above all: ids are
 * given again after a restore, and a queue takes no second job under an id that it remembers. Then every photo that is
 * owed its variants has a job.
 * @throws {QueueNotReadyError} before anything was changed.
 */
export async function reconcileJobs(deps: Dependencies): Promise<Reconciliation> {
  if ((await deps.queue.getWorkersCount()) > 0)
    throw new QueueNotReadyError('a worker is at work on the queue; nothing was changed');
  const unfinished = await removeStrays(deps, UNFINISHED, (row) => row !== undefined);
  // Done or given up in the queue and owed in the database: that was another past.
  const finished = await removeStrays(deps, FINISHED, (row) => row !== undefined && row.state !== 'uploaded');
  const enqueued = await enqueueOwed(deps);
  return { removed: unfinished.removed + finished.removed, kept: unfinished.kept + finished.kept, enqueued };
}

/** Removes the jobs in those places whose row, in the version that the job names, is not one to stay for. */
async function removeStrays(
  { db, queue, redis }: Dependencies,
  places: readonly (typeof UNFINISHED | typeof FINISHED)[number][],
  stays: (row: PhotoVersion | undefined) => boolean,
): Promise<{ removed: number; kept: number }> {
  const jobIds = await queue.getRanges([...places], 0, -1);
  let removed = 0;
  for (let start = 0; start < jobIds.length; start += BATCH) {
    const jobs = jobIds
      .slice(start, start + BATCH)
      .map((jobId) => ({ jobId, named: parseMediaJobId(jobId) }));
    const rows = await photoVersions(
      db,
      jobs.flatMap(({ named }) => named?.id ?? []),
    );
    for (const { jobId, named } of jobs) {
      const row = named && rows.get(named.id);
      if (stays(row?.jobVersion === named?.jobVersion ? row : undefined)) continue;
      // A killed worker's lock lasts 15 s more, and a locked job is not removed.
      await redis.del(`${queue.toKey(jobId)}:lock`);
      removed += await queue.remove(jobId);
    }
  }
  return { removed, kept: jobIds.length - removed };
}

/** Adds the job of every owed photo that has none. */
async function enqueueOwed({ db, queue, redis }: Dependencies): Promise<number> {
  let enqueued = 0;
  for (let lastId = 0; ; ) {
    const batch: OwedPhoto[] = await owedPhotosAfter(db, lastId, BATCH);
    for (const { id, jobVersion } of batch) {
      if (await queue.getJob(mediaJobId(id, jobVersion))) continue;
      await enqueueMedia(queue, redis, id, jobVersion);
      enqueued += 1;
    }
    const last = batch.at(-1);
    if (!last) return enqueued;
    lastId = last.id;
  }
}
