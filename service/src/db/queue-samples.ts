import type { Knex } from 'knex';

const KEPT_HOURS = 25;

/** How long a queue was at one moment: jobs still to be done, and jobs that were given up. */
export interface QueueDepth {
  pending: number;
  failed: number;
}

/** A sample as the panel draws it: seconds since the epoch, pending, failed. */
export type QueueSample = [at: number, pending: number, failed: number];

/** Writes down this minute's depth, once for all workers together, and forgets what is older than 25 hours. */
export async function insertQueueSample(db: Knex, { pending, failed }: QueueDepth): Promise<void> {
  await db('queue_samples')
    .insert({ sampled_at: db.raw("date_trunc('minute', now())"), pending, failed })
    .onConflict('sampled_at')
    .merge();
  await db('queue_samples').whereRaw("sampled_at < now() - ? * interval '1 hour'", [KEPT_HOURS]).delete();
}

/** The samples of the last `hours`, oldest first. A minute in which nobody looked has none. */
export async function listQueueSamples(db: Knex, hours: number): Promise<QueueSample[]> {
  const rows = await db('queue_samples')
    .whereRaw("sampled_at > now() - ? * interval '1 hour'", [hours])
    .orderBy('sampled_at')
    .select('pending', 'failed', db.raw('extract(epoch from sampled_at)::bigint as at'));
  return rows.map(({ at, pending, failed }) => [Number(at), pending, failed]);
}
