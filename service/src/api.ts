import { adminPanel } from './admin/panel.ts';
import { circuitBreaker } from './cache/breaker.ts';
import { type ReadOutcome, redisCache } from './cache/cache.ts';
import { openCacheRedis } from './cache/connection.ts';
import { redisRateLimits } from './cache/rate-limits.ts';
import { type Config, loadConfig } from './config.ts';
import { openDatabase, pingDatabase } from './db/connection.ts';
import { acceptPhoto, type UploadDependencies } from './http/accept-photo.ts';
import { createApp } from './http/app.ts';
import { watchRequests } from './http/in-flight.ts';
import { removeFiles } from './http/remove-files.ts';
import { createHttpServer, listen } from './http/server.ts';
import { jobsView } from './jobs/overview.ts';
import { enqueueMedia, mediaQueue, openProducerRedis } from './jobs/queues.ts';
import { createLifecycle, drainServer, exitOnUncaught } from './lifecycle.ts';
import { createLog } from './log.ts';
import { openStorage } from './media-storage.ts';
import { watchPool, watchQueue } from './metrics/backends.ts';
import { createMetrics } from './metrics/metrics.ts';
import { serveMetrics } from './metrics/server.ts';

const LEFTOVER_SECONDS = 24 * 3600;

/** `api`: serves HTTP until it is told to stop. Starts without waiting for database or Redis; /readyz tells. */
export async function runApi(_args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig('api', env);
  const log = createLog({ level: config.LOG_LEVEL, release: config.RELEASE, role: 'api' });
  exitOnUncaught(log);
  const lifecycle = createLifecycle(log, config.STOP_SECONDS);
  const backends = openBackends(config);
  const { db, cacheRedis, queueRedis } = backends;
  for (const redis of [cacheRedis, queueRedis]) redis.on('error', (err) => log.debug({ err }, 'redis'));
  const metrics = createMetrics('api', config.RELEASE);
  const breaker = circuitBreaker(cacheRedis);
  const onRead = (outcome: ReadOutcome) => metrics.cacheReads.inc({ outcome });
  const cache = redisCache(cacheRedis, 'directory', onRead, breaker);
  const storage = await openStorage(config);
  const queue = mediaQueue(queueRedis, (err) => log.debug({ err }, 'queue'));

  const uploads: UploadDependencies = {
    ...{ db, cache, storage },
    uploadMaxMegabytes: config.UPLOAD_MAX_MB,
    enqueue: ({ id, jobVersion }) =>
      enqueueMedia(queue, queueRedis, id, jobVersion).catch((err) => {
        log.warn({ err, photoId: id }, 'not queued now; the sweeper will');
      }),
  };

  const app = createApp({
    ...uploads,
    ...{ log, metrics },
    release: config.RELEASE,
    checks: {
      database: () => pingDatabase(db),
      redis_cache: () => cacheRedis.ping(),
      redis_queue: () => queueRedis.ping(),
    },
    isDraining: () => lifecycle.draining,
    limits:
      config.RATE_LIMIT > 0 ? redisRateLimits(cacheRedis, 'rate', config.RATE_LIMIT, breaker) : undefined,
    admin: adminPanel({
      ...{ db, log },
      sessionSecret: config.SESSION_SECRET,
      secureCookies: config.NODE_ENV === 'production',
      onChange: () => cache.invalidate(),
      removeFiles: (files) => removeFiles({ storage, log }, files),
      mediaUrl: (key) => storage.publicUrl(key) ?? `/media/${key}`,
      mediaOrigin: config.MEDIA_S3_PUBLIC_URL && new URL(config.MEDIA_S3_PUBLIC_URL).origin,
      acceptPhoto: (ctx, salonId, also) => acceptPhoto(uploads, ctx, salonId, also),
      enqueue: uploads.enqueue,
      jobs: jobsView(queue, queueRedis, (err) => log.debug({ err }, 'queue')),
      release: config.RELEASE,
      statusFile: config.PANEL_STATUS_FILE,
    }),
  });

  const server = createHttpServer(config.RELEASE, app.callback());
  const requestsInFlight = watchRequests(server);
  const seconds = config.STOP_SECONDS;
  lifecycle.onStop('http', () =>
    drainServer(server, seconds * 0.15, seconds * 0.7, () => {
      const requests = requestsInFlight();
      if (requests.length > 0) log.warn({ requests }, 'requests cut');
    }),
  );
  lifecycle.onStop('queue', () => queue.close());
  lifecycle.onStop('redis', async () => [cacheRedis, queueRedis].map((redis) => redis.disconnect()));
  lifecycle.onStop('database', () => db.destroy());
  watchPool(metrics, db);
  watchQueue(metrics, queue);
  if (config.METRICS_PORT) await serveMetrics(metrics, config.METRICS_PORT);
  await listen(server, config.PORT);
  log.info({ port: config.PORT, ms: Math.round(process.uptime() * 1000) }, 'listening');
  storage.removeLeftovers(LEFTOVER_SECONDS).catch((err) => log.warn({ err }, 'leftovers not removed'));
  return 0;
}

function openBackends(config: Config<'api'>) {
  return {
    db: openDatabase({
      url: config.DATABASE_URL,
      name: 'api',
      lockTimeoutSeconds: 5,
      statementTimeoutSeconds: 15,
    }),
    cacheRedis: openCacheRedis(config.REDIS_CACHE_URL),
    queueRedis: openProducerRedis(config.REDIS_QUEUE_URL),
  };
}
