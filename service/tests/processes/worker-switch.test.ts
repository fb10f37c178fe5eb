import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { mediaQueue } from '../../src/jobs/queues.ts';
import { backends, freePort, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';
import { logged, type RoleProcess, startRole } from '../support/process.ts';

describe('a switch of workers', function () {
  this.timeout(60_000);
  let directory: TestDirectory;
  let redis: Redis;
  let queue: ReturnType<typeof mediaQueue>;
  let roles: RoleProcess[];
  let hold: Knex.Transaction | undefined;
  beforeEach(async () => {
    directory = await startDirectory();
    redis = new Redis(backends().redisQueue.url);
    queue = mediaQueue(redis, () => {});
    roles = [];
  });
  afterEach(async () => {
    if (hold?.isCompleted() === false) await hold.rollback();
    for (const { child } of roles) child.kill('SIGKILL');
    await Promise.all(roles.map(({ exit }) => exit));
    await queue.close();
    redis.disconnect();
    await directory.stop();
  });

  async function startWorker(stopSeconds: number, change = {}): Promise<RoleProcess> {
    const worker = startRole(['worker'], {
      DATABASE_URL: directory.databaseUrl,
      REDIS_CACHE_URL: backends().redisCache.url,
      REDIS_QUEUE_URL: backends().redisQueue.url,
      UPLOADS_DIR: directory.uploads,
      STOP_SECONDS: String(stopSeconds),
      PORT: String(await freePort()),
      ...change,
    });
    roles.push(worker);
    await until('the worker listens', () => logged(worker, 'listening').length > 0);
    return worker;
  }

  /** Uploads so many photos; answers with the ids of their jobs. */
  async function upload(count: number): Promise<string[]> {
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Switch', city: 'Wien' } });
    const photo = await gradient(400, 300).jpeg().toBuffer();
    const jobs: string[] = [];
    while (jobs.length < count) {
      const body = photoForm(photo);
      const answer = await directory.call('POST', '/api/salons/switch/photos', { as: 'owner', body });
      jobs.push(`photo-${answer.body.id}-v1`);
    }
    return jobs;
  }

  /** Makes every job at work wait for the database, until that commits. */
  async function holdJobs(): Promise<Knex.Transaction> {
    hold = await directory.db.transaction();
    await hold.raw('lock table photos in access exclusive mode');
    return hold;
  }

  const atWork = (count: number) =>
    until(`${count} jobs are at work`, async () => (await queue.getActiveCount()) === count);

  const allReady = (seconds?: number) =>
    until(
      'every photo is ready',
      async () => (await directory.db('photos').whereNot({ state: 'ready' })).length === 0,
      seconds,
    );

  /** Job ids of the queue's own record of such events, in their order. */
  async function events(name: string): Promise<string[]> {
    const entries = await redis.xrange('bull:media:events', '-', '+');
    const fields = entries.map(([, flat]) => new Map(pairs(flat)));
    return fields.filter((entry) => entry.get('event') === name).map((entry) => entry.get('jobId') ?? '');
  }

  it('lets the old one finish what it has begun, and does every job once', async () => {
    const [old, next] = await Promise.all([startWorker(10), startWorker(10)]);
    await queue.pause();
    const jobs = await upload(20);
    const held = await holdJobs();
    await queue.resume();
    await atWork(4);
    old.child.kill('SIGTERM');
    await until('the old worker has heard', () => logged(old, 'stopping').length > 0);
    await held.commit();
    expect(await old.exit).to.equal(0);
    await allReady();
    await until('the queue knows', async () => (await queue.getActiveCount()) === 0);

    expect((await events('completed')).sort()).to.deep.equal([...jobs].sort());
    // Once each: nothing was taken twice, failed, or lay about until its lock ran out.
    expect((await events('active')).sort()).to.deep.equal([...jobs].sort());
    expect([...(await events('stalled')), ...(await events('failed'))]).to.deep.equal([]);
    // Just the two it had in hand, and 18 for the other.
    expect(logged(old, 'media job done')).to.have.lengthOf(2);
    expect(logged(next, 'media job done')).to.have.lengthOf(18);
    expect(logged(old, 'jobs left')).to.deep.equal([]);
  });

  it('names the jobs that the old one leaves at its deadline, and the next one does them', async () => {
    const old = await startWorker(1);
    const settled = await upload(1);
    await until('one is done', () => logged(old, 'media job done').length === 1);
    await queue.pause();
    const jobs = await upload(2);
    const held = await holdJobs();
    await queue.resume();
    await atWork(2);
    old.child.kill('SIGTERM');
    expect(await old.exit).to.equal(0);
    const lines = logged<{ jobs: string[] }>(old, 'jobs left');
    expect(lines.map(({ level }) => level)).to.deep.equal([40]);
    // A sweep may have been at work too.
    const left = lines.flatMap((line) => line.jobs).filter((id) => id.startsWith('photo-'));
    expect(left.sort()).to.deep.equal(jobs.sort());
    await held.commit();
    // As if their 15 seconds were over.
    await redis.del(jobs.map((id) => `bull:media:${id}:lock`));
    await startWorker(10);
    await allReady(30);
    await until('the queue knows', async () => (await queue.getActiveCount()) === 0);
    expect((await events('completed')).sort()).to.deep.equal([...settled, ...jobs].sort());
  });

  it('speaks of no jobs when only the queue would not let go', async () => {
    const worker = await startWorker(1, { REDIS_QUEUE_URL: 'redis://127.0.0.1:1' });
    const started = performance.now();
    worker.child.kill('SIGTERM');
    expect(await worker.exit).to.equal(0);
    // The deadline was over. An empty list without the question for its length (tried).
    expect(performance.now() - started).to.be.greaterThan(700);
    expect(logged(worker, 'jobs left')).to.deep.equal([]);
  });
});

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((key, n) => (n % 2 === 0 ? [[key, flat[n + 1] ?? ''] as [string, string]] : []));
}
