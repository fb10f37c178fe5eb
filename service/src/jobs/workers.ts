import { type Job, Queue, Worker, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { type JobDependencies, recordFailure, runMediaJob } from './media.ts';
import { removeOrphans } from './orphans.ts';
import { MAINTENANCE, MEDIA, type MediaJob, mediaQueue } from './queues.ts';
import { SAMPLE, sampleQueue, scheduleSamples } from './samples.ts';
import { sweep } from './sweeper.ts';

const SWEEP = 'sweep';
const ORPHANS = 'orphans';
const ORPHANS_AT = '45 2 * * *';

/** How often and how late; tests shorten these. */
export interface SweepTimes {
  everySeconds: number;
  staleAfterSeconds: number;
}

const defaultSweep: SweepTimes = { everySeconds: 30, staleAfterSeconds: 60 };

/** The running job processors of one worker process. */
export interface Workers {
  media: Worker<MediaJob>;
  /** Takes no new jobs and waits for the running ones; after `deadlineSeconds` they are left to be retried. */
  close(deadlineSeconds: number): Promise<void>;
}

/**
 * Starts processing both queues. `redis` is a worker connection (jobs/queues.ts), `producer` a producer's one.
 */
export function startWorkers(
  deps: JobDependencies,
  { redis, producer }: { redis: Redis; producer: Redis },
  times = defaultSweep,
): Workers {
  const onError = (err: Error) => deps.log.debug({ err }, 'queue connection');
  const queue = mediaQueue(producer, onError);
  // After a SIGKILL a job is back in 16 s with these, in 61 s with the defaults.
  const options: WorkerOptions = {
    connection: redis,
    lockDuration: 15_000,
    stalledInterval: 5_000,
    maxStalledCount: 2,
  };
  const media = new Worker<MediaJob>(MEDIA, (job, token) => runMediaJob(deps, job, token), {
    ...options,
    concurrency: 2,
  });
  media.on('failed', (job, error) => {
    recordFailure(deps, job, error).catch((err) => deps.log.error({ err }, 'failure not recorded'));
  });
  media.on('completed', (job) => deps.log.info({ jobId: job.id }, 'media job done'));
  const stop = new AbortController();
  const jobs: Record<string, () => Promise<unknown>> = {
    [ORPHANS]: () => removeOrphans(deps, { signal: stop.signal }),
    [SAMPLE]: () => sampleQueue(deps.db, queue),
    [SWEEP]: () => sweep({ db: deps.db, queue, redis: producer }, times.staleAfterSeconds),
  };
  // Two at once: a long search for orphans must not keep the sweeper waiting.
  const maintenance = new Worker(MAINTENANCE, async ({ name }: Job) => jobs[name]?.(), {
    ...options,
    concurrency: 2,
  });
  for (const worker of [media, maintenance]) worker.on('error', onError);
  const jobsAtWork = watchJobs([media, maintenance]);
  const schedule = scheduleMaintenance(producer, times, onError);
  const closing = [schedule, queue, maintenance, media];
  return {
    media,
    close: async (deadlineSeconds) => {
      stop.abort();
      if (await closeAll(closing, deadlineSeconds)) return;
      const jobs = jobsAtWork();
      // Their locks expire with this process, and another worker takes them.
      if (jobs.length > 0) deps.log.warn({ jobs }, 'jobs left');
    },
  };
}

/** Watches workers from now on; the answer lists the jobs that they have taken and not yet settled. */
function watchJobs(workers: Worker[]): () => string[] {
  const running = new Set<string>();
  for (const worker of workers) {
    worker.on('active', ({ id }) => id && running.add(id));
    worker.on('completed', ({ id }) => id && running.delete(id));
    worker.on('failed', (job) => job?.id && running.delete(job.id));
  }
  return () => [...running];
}

/**
 * Keeps one sweep, one search for orphans a day and one sample a minute scheduled for all workers together. Written
 * again on every connection: a Redis that lost its data has lost the schedule too, and then nothing else would bring
 * the jobs back.
 */
function scheduleMaintenance(producer: Redis, times: SweepTimes, onError: (error: Error) => void): Queue {
  const queue = new Queue(MAINTENANCE, { connection: producer });
  queue.on('error', onError);
  const job = { name: SWEEP, opts: { removeOnComplete: 10, removeOnFail: 100 } };
  const schedule = () => {
    queue.upsertJobScheduler(SWEEP, { every: times.everySeconds * 1000 }, job).catch(onError);
    queue
      .upsertJobScheduler(ORPHANS, { pattern: ORPHANS_AT, tz: 'UTC' }, { ...job, name: ORPHANS })
      .catch(onError);
    scheduleSamples(queue).catch(onError);
  };
  if (producer.status === 'ready') schedule();
  producer.on('ready', schedule);
  return queue;
}

/** Whether all of them closed within the deadline; worker.close() has no cap of its own. */
async function closeAll(all: (Queue | Worker)[], deadlineSeconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineSeconds * 1000);
  });
  const closed = Promise.allSettled(all.map((one) => one.close())).then(() => true);
  const inTime = await Promise.race([closed, late]);
  clearTimeout(timer);
  return inTime;
}
