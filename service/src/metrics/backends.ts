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

/** Tells how many jobs a queue has by state. While its Redis is away there is no figure, rather than an old one. */
export function watchQueue({ registry }: Metrics, queue: Queue): void {
  new Gauge({
    ...{ name: 'atlas_queue_jobs', help: 'Jobs by queue and state' },
    ...{ labelNames: ['queue', 'state'], registers: [registry] },
    async collect() {
      this.reset();
      const late = new Promise<undefined>((resolve) => setTimeout(resolve, DEADLINE_MS, undefined).unref());
      const counts = await Promise.race([queue.getJobCounts(...JOB_STATES).catch(() => undefined), late]);
      for (const state of counts ? JOB_STATES : []) {
        this.set({ queue: queue.name, state }, counts?.[state] ?? 0);
      }
    },
  });
}
