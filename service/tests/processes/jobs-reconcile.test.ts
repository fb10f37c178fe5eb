import type { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { type MediaJob, mediaJobId, mediaQueue } from '../../src/jobs/queues.ts';
import { backends, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';
import { runRole } from '../support/process.ts';

describe('jobs reconcile', function () {
  this.timeout(60_000);
  let directory: TestDirectory;
  let redis: Redis;
  let queue: Queue<MediaJob>;
  let image: Buffer;
  let reconcile: () => ReturnType<typeof runRole>;
  before(async () => {
    image = await gradient(40, 30).jpeg().toBuffer();
  });
  beforeEach(async () => {
    directory = await startDirectory();
    redis = new Redis(backends().redisQueue.url, { maxRetriesPerRequest: null });
    queue = mediaQueue(redis, () => {});
    const env = { DATABASE_URL: directory.databaseUrl, REDIS_QUEUE_URL: backends().redisQueue.url };
    reconcile = () => runRole(['jobs', 'reconcile'], env);
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
  });
  afterEach(async () => {
    await queue.close();
    redis.disconnect();
    await directory.stop();
  });

  async function upload(): Promise<number> {
    const body = photoForm(image);
    const answer = await directory.call('POST', '/api/salons/studio/photos', { as: 'owner', body });
    expect(answer.status).to.equal(201);
    return answer.body.id;
  }

  const row = (id: number) => directory.db('photos').where({ id }).first();
  const stateOf = (id: number, version = 1) => queue.getJobState(mediaJobId(id, version));
  const result = async () => JSON.parse((await reconcile()).stdout);

  /** The queue as a worker would have left it: all in wait is done, or given up. */
  async function settle(place: 'completed' | 'failed' | 'active'): Promise<void> {
    for (const { id = '' } of await queue.getWaiting()) {
      await redis.lrem(queue.toKey('wait'), 1, id);
      if (place === 'active') await redis.lpush(queue.toKey(place), id);
      else await redis.zadd(queue.toKey(place), Date.now(), id);
    }
  }

  /** As a restore of a backup from before the photo does: its row is gone, and its id is given again. */
  async function takeBack(id: number): Promise<void> {
    await directory.db('photos').where({ id }).delete();
    await directory.db.raw(`select setval(pg_get_serial_sequence('photos', 'id'), ?, false)`, [id]);
  }

  for (const place of ['completed', 'failed', 'active', 'wait'] as const) {
    it(`gives a photo its variants whose id was another one's, with a job in ${place}`, async () => {
      const lost = await upload();
      if (place !== 'wait') await settle(place);
      // The lock of a worker that was killed.
      if (place === 'active') await redis.set(`${queue.toKey(mediaJobId(lost, 1))}:lock`, 'token', 'EX', 60);
      await takeBack(lost);
      expect(await result()).to.deep.equal({ removed: 1, kept: 0, enqueued: 0 });
      expect(await upload()).to.equal(lost);
      // The old one stays without the search among finished ones, or a killed worker's lock removed (tried both).
      expect(await stateOf(lost)).to.equal('waiting');
      await directory.startWorkers();
      const ready = await until('the variants are there', async () => {
        const photo = await row(lost);
        return photo.state === 'ready' && photo;
      });
      expect(ready).to.include({ job_version: 1 });
      expect(await directory.files()).to.include(`variants/${ready.variants[0].key}`);
    });
  }

  it('keeps what rows name, and removes jobs of another version and of no photo', async () => {
    const waiting = await upload();
    const other = await upload();
    await directory.db('photos').where({ id: other }).update({ job_version: 2 });
    await queue.add('media', { photoId: 0 }, { jobId: 'nonsense' });
    await queue.add('media', { photoId: 9_999 }, { jobId: mediaJobId(9_999, 1), delay: 3_600_000 });
    await queue.add('media', { photoId: 9_998 }, { jobId: mediaJobId(9_998, 1), priority: 3 });
    // 3 removed when the version is not asked; bullmq reads two jobs of a place unless told to read all (tried both).
    expect(await result()).to.deep.equal({ removed: 4, kept: 1, enqueued: 1 });
    expect(await stateOf(waiting)).to.equal('waiting');
    expect([await stateOf(other, 1), await stateOf(other, 2)]).to.deep.equal(['unknown', 'waiting']);
    expect(await result()).to.deep.equal({ removed: 0, kept: 2, enqueued: 0 });
  });

  it('does again what the queue holds for done and the row does not, and leaves the finished alone', async () => {
    const owed = await upload();
    const done = await upload();
    await settle('completed');
    await directory.db('photos').where({ id: done }).update({ state: 'ready' });
    // Kept, and the photo waits for the sweeper, when the row's state is not asked (tried).
    expect(await result()).to.deep.equal({ removed: 1, kept: 1, enqueued: 1 });
    expect([await stateOf(owed), await stateOf(done)]).to.deep.equal(['waiting', 'completed']);
  });

  it('adds the jobs of every owed photo, more than one batch of them, to a queue that is empty', async () => {
    const id = await upload();
    await directory.db.raw(
      `insert into photos (salon_id, original_key, content_type, sha256, bytes, width, height, position)
       select salon_id, 'ef/' || n || '.jpg', content_type, sha256, bytes, width, height, 1 + n
       from photos, generate_series(1, 600) n where id = ?`,
      [id],
    );
    await queue.remove(mediaJobId(id, 1));
    expect(await result()).to.deep.equal({ removed: 0, kept: 0, enqueued: 601 });
    expect(await queue.getJobCountByTypes('waiting')).to.equal(601);
  });

  it('changes nothing while a worker is at work, and says so', async () => {
    await upload();
    await directory.startWorkers();
    const { code, stdout, stderr } = await reconcile();
    expect([code, stdout, stderr]).to.deep.equal([
      ...[1, ''],
      'a worker is at work on the queue; nothing was changed\n',
    ]);
  });

  it('wants its words, and a queue that answers', async () => {
    expect((await runRole(['jobs'], {})).code).to.equal(2);
    const away = { DATABASE_URL: directory.databaseUrl, REDIS_QUEUE_URL: 'redis://:s3cret@127.0.0.1:1' };
    const { code, stderr } = await runRole(['jobs', 'reconcile'], away);
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^queue Redis: .*ECONNREFUSED/)
      .and.not.contain('s3cret');
  });
});
