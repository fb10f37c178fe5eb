import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { findPhoto, insertPhoto } from '../../src/db/photos.ts';
import { createSalon } from '../../src/db/salons.ts';
import { enqueueMedia, mediaJobId, mediaQueue, openProducerRedis } from '../../src/jobs/queues.ts';
import { sweep } from '../../src/jobs/sweeper.ts';
import { backends, createDatabase, until } from '../backends/index.ts';

describe('sweeper', () => {
  let context: {
    db: Awaited<ReturnType<typeof createDatabase>>['db'];
    queue: ReturnType<typeof mediaQueue>;
    redis: Redis;
  };
  before(async () => {
    const { db } = await createDatabase();
    const redis = openProducerRedis(backends().redisQueue.url);
    await until('the queue is connected', () => redis.status === 'ready');
    context = { db, redis, queue: mediaQueue(redis, () => {}) };
  });
  after(async () => {
    await context.queue.close();
    context.redis.disconnect();
    await context.db.destroy();
    await backends().redisQueue.flush();
  });

  async function upload(): Promise<number> {
    const salon = await createSalon(context.db, { name: 'Sweep', city: 'Wien' });
    const photo = await insertPhoto(context.db, {
      salonId: salon.id,
      originalKey: `ab/${crypto.randomUUID()}.jpg`,
      contentType: 'image/jpeg',
      sha256: '0'.repeat(64),
      ...{ bytes: 1, width: 1, height: 1, alt: null },
    });
    return photo?.id ?? 0;
  }

  it('adds what nobody queued, once, and leaves fresh and waiting ones alone', async () => {
    const id = await upload();
    expect(await sweep(context, 60)).to.equal(0);
    expect(await sweep(context, 0)).to.equal(1);
    expect(await sweep(context, 0)).to.equal(1);
    expect(await context.queue.getJobCountByTypes('waiting')).to.equal(1);
    expect(await context.queue.getJob(mediaJobId(id, 1))).to.not.equal(undefined);
    expect(await sweep(context, 60)).to.equal(0);
    await context.db('photos').where({ id }).update({ state: 'ready' });
  });

  it('asks again when the queue holds the job for done and the row does not, and gives up in the end', async () => {
    const id = await upload();
    for (let version = 1; version <= 5; version++) {
      await enqueueMedia(context.queue, context.redis, id, version);
      const job = await context.queue.getJob(mediaJobId(id, version));
      // As after a restore of the database: finished there, owed here.
      await context.redis.lrem('bull:media:wait', 1, job?.id ?? '');
      await context.redis.zadd('bull:media:completed', 1, job?.id ?? '');
      await sweep(context, 0);
    }
    const photo = await findPhoto(context.db, id, true);
    expect(photo).to.include({ state: 'failed', jobVersion: 5 });
    expect(photo?.error).to.match(/^gave up after 5 jobs/);
  });

  it('does not wait for a queue that is away', async () => {
    const away = openProducerRedis('redis://127.0.0.1:1');
    away.on('error', () => {});
    const queue = mediaQueue(away, () => {});
    const error = await enqueueMedia(queue, away, 1, 1).catch((reason) => reason);
    expect(error.message).to.match(/^queue Redis is /);
    await queue.close().catch(() => {});
    away.disconnect();
  });
});
