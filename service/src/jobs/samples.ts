import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { insertQueueSample } from '../db/queue-samples.ts';
import type { MediaJob } from './queues.ts';

/** The name of the maintenance job that looks how long the media queue is. */
export const SAMPLE = 'sample';

const EVERY_MS = 60_000;

/** Keeps one look a minute scheduled for all workers together. */
export async function scheduleSamples(maintenance: Queue): Promise<void> {
  // One that failed is of no use later: the plot shows a gap.
  const job = { name: SAMPLE, opts: { attempts: 1, removeOnComplete: 1, removeOnFail: 10 } };
  await maintenance.upsertJobScheduler(SAMPLE, { every: EVERY_MS }, job);
}

/** Writes down how long the media queue is now. */
export async function sampleQueue(db: Knex, media: Queue<MediaJob>): Promise<void> {
  const counts = await media.getJobCounts('waiting', 'active', 'delayed', 'failed');
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
  await insertQueueSample(db, { pending: waiting + active + delayed, failed });
}
