import { once } from 'node:events';
import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import { UsageError } from './errors.ts';
import { mediaQueue, openProducerRedis } from './jobs/queues.ts';
import { QueueNotReadyError, reconcileJobs } from './jobs/reconcile.ts';

const CONNECT_MS = 5_000;

/**
 * `jobs reconcile`: after a restore, with every worker stopped, removes the jobs of photos that are gone and adds those
 * of photos that are owed. The result on stdout as one line of JSON.
 * @throws {UsageError} for wrong words or bad configuration.
 */
export async function runJobs(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (args.join(' ') !== 'reconcile') throw new UsageError('usage: jobs reconcile');
  const config = loadConfig('jobs', env);
  const redis = openProducerRedis(config.REDIS_QUEUE_URL);
  const connected = once(redis, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) });
  redis.on('error', () => {});
  const queue = mediaQueue(redis, () => {});
  const db = openDatabase({ url: config.DATABASE_URL, name: 'jobs' });
  try {
    await connected.catch((error) => Promise.reject(new QueueNotReadyError(`queue Redis: ${error.message}`)));
    process.stdout.write(`${JSON.stringify(await reconcileJobs({ db, queue, redis }))}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof QueueNotReadyError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    await queue.close().catch(() => {});
    redis.disconnect();
    await db.destroy();
  }
}
