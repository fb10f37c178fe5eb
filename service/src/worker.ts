import { redisCache } from './cache/cache.ts';
import { openCacheRedis } from './cache/connection.ts';
import { loadConfig } from './config.ts';
import { openDatabase, pingDatabase } from './db/connection.ts';
import { createHttpServer, listen } from './http/server.ts';
import { workerHealth } from './http/worker-health.ts';
import { openProducerRedis, openWorkerRedis } from './jobs/queues.ts';
import { startWorkers } from './jobs/workers.ts';
import { createLifecycle, drainServer, exitOnUncaught } from './lifecycle.ts';
import { createLog } from './log.ts';
import { openStorage } from './media-storage.ts';
import { watchPool } from './metrics/backends.ts';
import { createMetrics } from './metrics/metrics.ts';
import { serveMetrics } from './metrics/server.ts';

/** `worker`: processes jobs until it is told to stop, and answers health checks on its port. */
export async function runWorker(_args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig('worker', env);
  const log = createLog({ level: config.LOG_LEVEL, release: config.RELEASE, role: 'worker' });
  exitOnUncaught(log);
  const lifecycle = createLifecycle(log, config.STOP_SECONDS);
  const db = openDatabase({
    url: config.DATABASE_URL,
    name: 'worker',
    lockTimeoutSeconds: 5,
    statementTimeoutSeconds: 60,
  });
  const cacheRedis = openCacheRedis(config.REDIS_CACHE_URL);
  const redis = openWorkerRedis(config.REDIS_QUEUE_URL);
  const producer = openProducerRedis(config.REDIS_QUEUE_URL);
  const connections = [cacheRedis, redis, producer];
  for (const connection of connections) connection.on('error', (err) => log.debug({ err }, 'redis'));

  const metrics = createMetrics('worker', config.RELEASE);
  watchPool(metrics, db);
  if (config.METRICS_PORT) await serveMetrics(metrics, config.METRICS_PORT);
  const storage = await openStorage(config);
  const workers = startWorkers(
    { db, storage, cache: redisCache(cacheRedis, 'directory'), log },
    { redis, producer },
  );
  const checks = {
    database: () => pingDatabase(db),
    redis_cache: () => cacheRedis.ping(),
    // The worker's own connection would wait for a Redis that is away; this one says so.
    redis_queue: () => producer.ping(),
  };
  const health = createHttpServer(
    config.RELEASE,
    workerHealth(config.RELEASE, checks, () => lifecycle.draining),
  );

  lifecycle.onStop('jobs', () => workers.close(config.STOP_SECONDS * 0.8));
  lifecycle.onStop('http', () => drainServer(health, 0, 1));
  lifecycle.onStop('redis', async () => connections.map((connection) => connection.disconnect()));
  lifecycle.onStop('database', () => db.destroy());
  await listen(health, config.PORT);
  log.info({ port: config.PORT, ms: Math.round(process.uptime() * 1000) }, 'listening');
  return 0;
}
