import { type DefaultJobOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** What a media job carries: the photo's row knows the rest. */
export interface MediaJob {
  photoId: number;
}

export const MEDIA = 'media';
export const MAINTENANCE = 'maintenance';

const DEADLINE_MS = 1_000;

const mediaJobOptions: DefaultJobOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: { age: 24 * 3600, count: 1_000 },
  removeOnFail: { age: 30 * 24 * 3600, count: 5_000 },
};

/** A connection for adding jobs: it answers soon or fails soon, because a request is waiting. */
export function openProducerRedis(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 2_000,
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  });
}

/** A connection for a worker: BullMQ blocks on it and wants every command repeated until it succeeds. */
export function openWorkerRedis(url: string): Redis {
  return new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  });
}

/** The queue of photos that wait for their variants. */
export function mediaQueue(connection: Redis, onError: (error: Error) => void): Queue<MediaJob> {
  const queue = new Queue<MediaJob>(MEDIA, { connection, defaultJobOptions: mediaJobOptions });
  // Without a listener the first lost connection would end the process.
  queue.on('error', onError);
  return queue;
}

/** One job per photo and version; BullMQ refuses ':' and plain numbers in ids. */
export function mediaJobId(photoId: number, version: number): string {
  return `photo-${photoId}-v${version}`;
}

/** What a job id names; undefined when it is not one of mediaJobId's. */
export function parseMediaJobId(jobId: string): { id: number; jobVersion: number } | undefined {
  const [, id, version] = /^photo-(\d+)-v(\d+)$/.exec(jobId) ?? [];
  return id && version ? { id: Number(id), jobVersion: Number(version) } : undefined;
}

/**
 * Adds the job of a photo, within a second or not at all.
 * @throws when the queue is away; the photo's row still says that the work is owed, and the sweeper adds it.
 */
export async function enqueueMedia(
  queue: Queue<MediaJob>,
  redis: Redis,
  photoId: number,
  version: number,
): Promise<void> {
  // add() on a connection that was never made hangs for ever: ask first, and race anyway.
  if (redis.status !== 'ready') throw new Error(`queue Redis is ${redis.status}`);
  await withDeadline(queue.add(MEDIA, { photoId }, { jobId: mediaJobId(photoId, version) }));
}

/** What the queue Redis answers, if it does so within a second. @throws otherwise */
export async function withDeadline<T>(answer: Promise<T>, ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`queue Redis did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {});
  }
}
