import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { MAINTENANCE } from '../../src/jobs/queues.ts';
import { backends, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';

describe('maintenance', () => {
  let directory: TestDirectory;
  let redis: Redis;
  let queue: Queue;
  before(async () => {
    directory = await startDirectory();
    redis = new Redis(backends().redisQueue.url, { maxRetriesPerRequest: null });
    queue = new Queue(MAINTENANCE, { connection: redis });
    await directory.startWorkers();
  });
  after(async () => {
    await queue.close();
    redis.disconnect();
    await directory.stop();
  });

  it('sweeps all the time and looks for orphans once a day', async () => {
    const schedulers = await until('all are scheduled', async () => {
      const all = await queue.getJobSchedulers();
      return all.length === 3 && all;
    });
    expect(schedulers.map(({ key }) => key)).to.have.members(['sweep', 'orphans', 'sample']);
    const orphans = schedulers.find(({ key }) => key === 'orphans');
    expect(orphans).to.include({ pattern: '45 2 * * *', tz: 'UTC' });
    const next = new Date(orphans?.next ?? 0);
    expect([next.getUTCHours(), next.getUTCMinutes()]).to.deep.equal([2, 45]);
    expect(next.getTime() - Date.now()).to.be.within(0, 24 * 3_600_000);
  });

  it('removes an orphan when that job comes', async () => {
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
    const body = photoForm(await gradient(40, 30).jpeg().toBuffer());
    const { status } = await directory.call('POST', '/api/salons/studio/photos', { as: 'owner', body });
    expect(status).to.equal(201);
    const path = join(directory.uploads, 'originals', 'ab', 'gone.jpg');
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, 'x');
    await utimes(path, 1, 1);
    const job = await queue.add('orphans', {});
    // A sweep instead, when the worker does not look at the name (tried).
    await until(
      'the orphan is gone',
      async () => !(await directory.files()).includes('originals/ab/gone.jpg'),
    );
    const report = await until(
      'the job is done',
      async () => (await queue.getJob(job.id ?? ''))?.returnvalue,
    );
    expect(report).to.include({ orphans: 1, removed: 1 });
  });
});
