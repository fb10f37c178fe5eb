import { expect } from 'chai';
import { listQueueSamples } from '../../src/db/queue-samples.ts';
import { enqueueMedia, mediaQueue, openProducerRedis } from '../../src/jobs/queues.ts';
import { sampleQueue } from '../../src/jobs/samples.ts';
import { backends, createDatabase, until } from '../backends/index.ts';
import { startDirectory } from '../support/directory.ts';

describe('samples of the queue', () => {
  // Mutation tried: now() instead of its minute, and 250 hours.
  it('are one a minute, whoever looks, and are kept for 25 hours', async () => {
    const { db } = await createDatabase();
    const redis = openProducerRedis(backends().redisQueue.url);
    const queue = mediaQueue(redis, () => {});
    try {
      await until('the queue is connected', () => redis.status === 'ready');
      const old = [26, 24].map((hours) => ({
        sampled_at: new Date(Date.now() - hours * 3_600_000),
        ...{ pending: 1, failed: 1 },
      }));
      await db('queue_samples').insert(old);
      for (const id of [1, 2, 3]) await enqueueMedia(queue, redis, id, 1);
      await sampleQueue(db, queue);
      await sampleQueue(db, queue);
      const samples = await listQueueSamples(db, 100);
      // Twice in one minute is one; a minute may also have ended in between.
      expect(samples.length).to.be.within(2, 3);
      expect(samples.at(-1)?.slice(1)).to.deep.equal([3, 0]);
      expect(samples[0]?.[0]).to.be.closeTo(Date.now() / 1000 - 24 * 3600, 60);
      const [at = 0] = samples.at(-1) ?? [];
      expect(at % 60).to.equal(0);
    } finally {
      await queue.obliterate({ force: true });
      await queue.close();
      redis.disconnect();
      await db.destroy();
    }
  });

  // Mutation tried: no schedule; nothing is ever written.
  it('are taken by a worker from its start', async () => {
    const directory = await startDirectory();
    try {
      await directory.startWorkers();
      await until('there is one', async () => (await listQueueSamples(directory.db, 1)).length > 0);
    } finally {
      await directory.stop();
    }
  });
});
