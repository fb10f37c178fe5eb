import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { MAINTENANCE, type MediaJob, withDeadline } from './queues.ts';

const STATES = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;
const FAILED_SHOWN = 50;

export interface QueueCounts {
  name: string;
  counts: Record<(typeof STATES)[number], number>;
}

/** A job that was given up. */
export interface FailedJob {
  id: string;
  queue: string;
  /** The photo it was about; null for a job that is about none. */
  photoId: number | null;
  reason: string;
  attempts: number;
  /** ISO 8601. */
  failedAt: string | null;
}

export interface JobsOverview {
  queues: QueueCounts[];
  /** The latest first, 50 of each queue at most. */
  failed: FailedJob[];
}

/** What the panel may ask of the queues. Both answer within about a second, or throw. */
export interface JobsView {
  read(): Promise<JobsOverview>;
  /** Removes a failed media job from the queue's memory; one that is not there is fine. */
  forget(jobId: string): Promise<void>;
}

/**
 * Looks into the queues over a producer connection (queues.ts), which answers soon or fails soon.
 * @param media stays the caller's to close
 */
export function jobsView(media: Queue<MediaJob>, redis: Redis, onError: (error: Error) => void): JobsView {
  // It opens nothing of its own: there is nothing to close either.
  const maintenance = new Queue(MAINTENANCE, { connection: redis });
  maintenance.on('error', onError);
  const bounded = <T>(ask: () => Promise<T>): Promise<T> => {
    // On a connection that was never made every command would wait for ever.
    if (redis.status !== 'ready') throw new Error(`queue Redis is ${redis.status}`);
    return withDeadline(ask());
  };
  return {
    read: async () =>
      bounded(async () => {
        const queues = await Promise.all([media, maintenance].map(countJobs));
        const failed = await Promise.all([media, maintenance].map(listFailed));
        return { queues, failed: failed.flat() };
      }),
    forget: async (jobId) =>
      bounded(async () => {
        const job = await media.getJob(jobId);
        if (await job?.isFailed()) await job?.remove();
      }),
  };
}

async function countJobs(queue: Queue): Promise<QueueCounts> {
  const counts = await queue.getJobCounts(...STATES);
  return { name: queue.name, counts: counts as QueueCounts['counts'] };
}

async function listFailed(queue: Queue): Promise<FailedJob[]> {
  const jobs = await queue.getFailed(0, FAILED_SHOWN - 1);
  return jobs.filter(Boolean).map((job: Job) => ({
    id: String(job.id),
    queue: queue.name,
    photoId: Number(job.data?.photoId) || null,
    reason: job.failedReason ?? 'no reason was recorded',
    attempts: job.attemptsMade,
    failedAt: job.finishedOn ? new Date(job.finishedOn).toISOString() : null,
  }));
}
