import { adminPanel } from './admin/panel.ts';
import { redisCache } from './cache/cache.ts';
import { openCacheRedis } from './cache/connection.ts';
import { type Config, loadConfig } from './config.ts';
import { openDatabase, pingDatabase } from './db/connection.ts';
import { createApp } from './http/app.ts';
import { watchRequests } from './http/in-flight.ts';
import { removeFiles } from './http/remove-files.ts';
import { createHttpServer, listen } from './http/server.ts';
import { enqueueMedia, mediaQueue, openProducerRedis } from './jobs/queues.ts';
import { createLifecycle, drainServer, exitOnUncaught } from './lifecycle.ts';
import { createLog } from './log.ts';
import { localStorage } from './storage/local.ts';

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
  const cache = redisCache(cacheRedis, 'directory');
  const storage = localStorage(config.UPLOADS_DIR);
  const queue = mediaQueue(queueRedis, (err) => log.debug({ err }, 'queue'));

  const app = createApp({
    ...{ db, cache, storage, log },
    release: config.RELEASE,
    uploadMaxMegabytes: config.UPLOAD_MAX_MB,
    enqueue: ({ id, jobVersion }) =>
      enqueueMedia(queue, queueRedis, id, jobVersion).catch((err) => {
        log.warn({ err, photoId: id }, 'not queued now; the sweeper will');
      }),
    checks: {
      database: () => pingDatabase(db),
      redis_cache: () => cacheRedis.ping(),
      redis_queue: () => queueRedis.ping(),
    },
    isDraining: () => lifecycle.draining,
    admin: adminPanel({
      ...{ db, log },
      sessionSecret: config.SESSION_SECRET,
      secureCookies: config.NODE_ENV === 'production',
      onChange: () => cache.invalidate(),
      removeFiles: (files) => removeFiles({ storage, log }, files),
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
