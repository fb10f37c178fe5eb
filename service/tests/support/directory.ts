import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from 'bullmq';
import type { Knex } from 'knex';
import { pino } from 'pino';
import { redisCache } from '../../src/cache/cache.ts';
import { openCacheRedis } from '../../src/cache/connection.ts';
import { pingDatabase } from '../../src/db/connection.ts';
import { insertToken, newToken } from '../../src/db/tokens.ts';
import { type AppDependencies, createApp } from '../../src/http/app.ts';
import { createHttpServer, listen } from '../../src/http/server.ts';
import { enqueueMedia, mediaQueue, openProducerRedis, openWorkerRedis } from '../../src/jobs/queues.ts';
import { startWorkers } from '../../src/jobs/workers.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { localStorage } from '../../src/storage/local.ts';
import { backends, createDatabase, until } from '../backends/index.ts';

/** The application on a port of its own, over real backends and a temporary upload directory. */
export interface TestDirectory {
  url: string;
  db: Knex;
  databaseUrl: string;
  token: string;
  uploads: string;
  deps: AppDependencies;
  /** Sends a request; with `as: 'owner'` it carries the API token. An object as `json` is the body. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Names of all files below the upload directory, relative to it. */
  files(): Promise<string[]>;
  /** The media jobs in that state of the queue. */
  jobs(state: 'waiting' | 'delayed' | 'failed'): Promise<Job[]>;
  /** Starts job processors in this process; they stop with the directory. */
  startWorkers(): Promise<void>;
  stop(): Promise<void>;
}

export type Body = NonNullable<RequestInit['body']>;

export interface CallOptions {
  as?: 'owner';
  json?: unknown;
  body?: Body;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

/** Starts one. `change` replaces dependencies, such as the upload limit. */
export async function startDirectory(change: Partial<AppDependencies> = {}): Promise<TestDirectory> {
  const { db, url: databaseUrl } = await createDatabase();
  const uploads = mkdtempSync(join(tmpdir(), 'atlas-uploads-'));
  const log = pino({ level: 'silent' });
  const cacheConnection = openCacheRedis(backends().redisCache.url);
  const producer = openProducerRedis(backends().redisQueue.url);
  for (const redis of [cacheConnection, producer]) redis.on('error', () => {});
  const queue = mediaQueue(producer, () => {});
  const metrics = createMetrics('api', 'test-release');
  const cache = redisCache(cacheConnection, `test-${crypto.randomUUID()}`, (outcome) =>
    metrics.cacheReads.inc({ outcome }),
  );
  const deps: AppDependencies = {
    ...{ db, log, cache, metrics, storage: localStorage(uploads) },
    release: 'test-release',
    uploadMaxMegabytes: 1,
    enqueue: ({ id, jobVersion }) => enqueueMedia(queue, producer, id, jobVersion).catch(() => {}),
    checks: {
      database: () => pingDatabase(db),
      redis_cache: () => cacheConnection.ping(),
      redis_queue: () => producer.ping(),
    },
    isDraining: () => false,
    admin: (_ctx, next) => next(),
    ...change,
  };
  const server = createHttpServer(deps.release, createApp(deps).callback());
  await listen(server, 0);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = newToken();
  await insertToken(db, 'test', token);
  await until('both Redis are connected', () =>
    [cacheConnection, producer].every(({ status }) => status === 'ready'),
  );
  const stops: (() => Promise<unknown>)[] = [];

  return {
    ...{ url, db, databaseUrl, token, uploads, deps },
    call: (method, path, options) => call(`${url}${path}`, method, token, options),
    async files() {
      const entries = await readdir(uploads, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(uploads.length + 1));
    },
    jobs: (state) => queue.getJobs(state),
    async startWorkers() {
      const redis = openWorkerRedis(backends().redisQueue.url);
      redis.on('error', () => {});
      const workers = startWorkers(deps, { redis, producer }, { everySeconds: 0.3, staleAfterSeconds: 0.3 });
      stops.push(async () => {
        await workers.close(5);
        redis.disconnect();
      });
      await workers.media.waitUntilReady();
    },
    async stop() {
      for (const stop of stops) await stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await queue.close().catch(() => {});
      for (const redis of [cacheConnection, producer]) redis.disconnect();
      await db.destroy();
      await backends().redisQueue.flush();
      rmSync(uploads, { recursive: true, force: true });
    },
  };
}

async function call(url: string, method: string, token: string, options: CallOptions = {}): Promise<Answer> {
  const headers = new Headers(options.headers);
  if (options.as === 'owner') headers.set('Authorization', `Bearer ${token}`);
  if (options.json !== undefined) headers.set('Content-Type', 'application/json');
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : bytes,
  };
}
