import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { Gauge } from 'prom-client';
import type { Metrics } from './metrics.ts';

const JOB_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;
const DEADLINE_MS = 1_000;

/** Tells how many connections of the pool work, are idle, or are waited for. Asked when somebody collects. */
export function watchPool({ registry }: Metrics, db: Knex): void {
  new Gauge({
    ...{ name: 'atlas_db_pool_connections', help: 'Connections to the database, and who waits for one' },
    ...{ labelNames: ['state'], registers: [registry] },
    collect() {
      const { pool } = db.client;
      this.set({ state: 'used' }, pool.numUsed());
      this.set({ state: 'free' }, pool.numFree());
      this.set({ state: 'waited_for' }, pool.numPendingAcquires());
    },
  });
}

/**
 * Tells how many jobs a queue has by state, and how long the oldest that waits was added ago. While its Redis is away
 * there are no figures, rather than old ones.
 */
export function watchQueue({ registry }: Metrics, queue: Queue): void {
  new Gauge({
    ...{ name: 'atlas_queue_jobs', help: 'Jobs by queue and state' },
    ...{ labelNames: ['queue', 'state'], registers: [registry] },
    async collect() {
      this.reset();
      const counts = await inTime(queue.getJobCounts(...JOB_STATES));
      for (const state of counts ? JOB_STATES : []) {
        this.set({ queue: queue.name, state }, counts?.[state] ?? 0);
      }
    },
  });
  new Gauge({
    ...{
      name: 'atlas_queue_oldest_waiting_seconds',
      help: 'Age of the oldest waiting job; 0 when none waits',
    },
    ...{ labelNames: ['queue'], registers: [registry] },
    async collect() {
      this.reset();
      const waiting = await inTime(queue.getWaiting(0, 0));
      const age = waiting?.[0] ? (Date.now() - waiting[0].timestamp) / 1000 : 0;
      if (waiting) this.set({ queue: queue.name }, Math.max(0, age));
    },
  });
}

/** What the queue answers, if it does so in time. */
async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, DEADLINE_MS, undefined).unref());
  return Promise.race([answer.catch(() => undefined), late]);
}
