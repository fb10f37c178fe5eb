import { redisCache } from './cache/cache.ts';
import { openCacheRedis } from './cache/connection.ts';
import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import { UsageError } from './errors.ts';
import { enqueueMedia, mediaQueue, openProducerRedis } from './jobs/queues.ts';
import { openStorage } from './media-storage.ts';
import { countOthers, examples, seedDirectory } from './seed/directory.ts';

/**
 * `seed [--yes]`: adds a small directory of examples, so that the first look is not at an empty one. Beside salons
 * of somebody's own it does that only with --yes.
 */
export async function runSeed(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const isSure = args[0] === '--yes';
  if (args.length > (isSure ? 1 : 0)) throw new UsageError('usage: seed [--yes]');
  const config = loadConfig('seed', env);
  const db = openDatabase({ url: config.DATABASE_URL, name: 'seed' });
  const redis = openCacheRedis(config.REDIS_CACHE_URL);
  const producer = openProducerRedis(config.REDIS_QUEUE_URL);
  for (const connection of [redis, producer]) connection.on('error', () => {});
  const queue = mediaQueue(producer, () => {});
  try {
    const others = await countOthers(db);
    if (others > 0 && !isSure) {
      throw new UsageError(
        `the directory has ${others} salons of its own; nothing was changed\n` +
          `to add ${examples.length} examples beside them: make seed YES=1`,
      );
    }
    const storage = await openStorage(config);
    const enqueue = ({ id, jobVersion }: { id: number; jobVersion: number }) =>
      enqueueMedia(queue, producer, id, jobVersion).catch(() => {});
    const added = await seedDirectory({ db, storage, enqueue });
    if (added.salons + added.photos > 0) await redisCache(redis, 'directory').invalidate();
    process.stdout.write(`${added.salons} salons and ${added.photos} photos added\n`);
    return 0;
  } finally {
    await queue.close().catch(() => {});
    for (const connection of [redis, producer]) connection.disconnect();
    await db.destroy();
  }
}
