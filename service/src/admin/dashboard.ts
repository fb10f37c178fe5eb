import type { Knex } from 'knex';
import { listQueueSamples, type QueueSample } from '../db/queue-samples.ts';
import { readServerStatus, type ServerStatus } from './server-status.ts';

const PLOT_HOURS = 24;

export interface DashboardDeps {
  db: Knex;
  /** The release that runs. */
  release?: string | undefined;
  /** The JSON file in which the server tells of itself. */
  statusFile?: string | undefined;
}

/** What the panel's first page shows; assets/src/dashboard.js draws it. */
export interface DashboardAnswer {
  /** Seconds since the epoch by the service's clock: the visitor's may be wrong. */
  now: number;
  release: string | null;
  salons: { total: number; published: number };
  photos: { uploaded: number; ready: number; failed: number };
  /** The last day, oldest first. */
  samples: QueueSample[];
  databaseBytes: number;
  /** Null when the server has not told, or nothing that can be read. */
  server: ServerStatus | null;
}

/** Reads all of it at once. */
export async function dashboard({ db, release, statusFile }: DashboardDeps): Promise<DashboardAnswer> {
  const [salons, photos, samples, databaseBytes, server] = await Promise.all([
    countSalons(db),
    countPhotos(db),
    listQueueSamples(db, PLOT_HOURS),
    measureDatabase(db),
    statusFile ? readServerStatus(statusFile) : undefined,
  ]);
  const now = Math.floor(Date.now() / 1000);
  return { now, release: release ?? null, salons, photos, samples, databaseBytes, server: server ?? null };
}

async function countSalons(db: Knex): Promise<DashboardAnswer['salons']> {
  const { rows } = await db.raw(
    'select count(*)::integer as total, (count(*) filter (where published))::integer as published from salons',
  );
  return rows[0];
}

async function countPhotos(db: Knex): Promise<DashboardAnswer['photos']> {
  const { rows } = await db.raw('select state, count(*)::integer as count from photos group by state');
  const of = (state: string) => rows.find((row: { state: string }) => row.state === state)?.count ?? 0;
  return { uploaded: of('uploaded'), ready: of('ready'), failed: of('failed') };
}

async function measureDatabase(db: Knex): Promise<number> {
  const { rows } = await db.raw('select pg_database_size(current_database()) as bytes');
  return Number(rows[0].bytes);
}
