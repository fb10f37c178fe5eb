import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import type { JobsAnswer } from '../../src/admin/jobs-page.ts';
import { jobsView } from '../../src/jobs/overview.ts';
import { mediaQueue, openProducerRedis } from '../../src/jobs/queues.ts';
import { until } from '../backends/index.ts';
import { startRedis } from '../backends/redis.ts';
import { gradient } from '../support/images.ts';
import { type DirectoryPanel, startDirectoryPanel } from './directory-panel.ts';
import type { Answer } from './support.ts';

const PAGE = '/admin/api/pages/jobs';

describe('jobs page', () => {
  let panel: DirectoryPanel;
  let salon: string;
  before(async () => {
    panel = await startDirectoryPanel();
    await panel.directory.startWorkers();
    salon = await panel.addSalon('Rose');
  });
  after(() => panel.stop());

  const read = async () => (await panel.browser.json(PAGE)) as unknown as JobsAnswer;
  const retry = async (fields: Record<string, string>) =>
    (await panel.browser.submit(PAGE, fields)) as unknown as JobsAnswer;
  const stateOf = async (id: string) =>
    (await panel.directory.db('photos').where({ id }).first('state'))?.state as string | undefined;

  /** A photo whose original is not there: its job is given up at once. */
  async function addFailed(key: string): Promise<string> {
    const row = { salon_id: salon, original_key: key, content_type: 'image/jpeg', bytes: 10 };
    const [photo] = await panel.directory
      .db('photos')
      .insert({ ...row, sha256: '0'.repeat(64), width: 300, height: 200, position: 1 })
      .returning('id');
    await panel.directory.deps.enqueue({ id: Number(photo.id), jobVersion: 1 });
    await until('it has failed', async () => (await stateOf(photo.id)) === 'failed');
    await until('the queue says so', async () =>
      (await read()).overview?.failed.some((job) => job.photoId === Number(photo.id)),
    );
    return photo.id;
  }

  async function putOriginal(key: string): Promise<void> {
    const { storage } = panel.directory.deps;
    await storage.withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, 'a'), await gradient(300, 200).jpeg().toBuffer());
      await storage.store('originals', key, join(directory, 'a'));
    });
  }

  /** What no browser sends: a GET with a form in its body. */
  function getWithBody(path: string, form: string): Promise<void> {
    const headers = {
      cookie: [...panel.browser.cookies].map((pair) => pair.join('=')).join('; '),
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': form.length,
    };
    return new Promise((resolve, reject) => {
      const sent = request(panel.directory.url + path, { headers }, (response) => {
        response.resume().once('end', resolve);
      });
      sent.on('error', reject);
      sent.end(form);
    });
  }

  it('counts what the queues hold, and lists what was given up and why', async () => {
    const id = await addFailed('00/a1.jpg');
    const { overview } = await read();
    expect(overview?.queues.map(({ name }) => name)).to.deep.equal(['media', 'maintenance']);
    expect(overview?.queues[0]?.counts).to.have.all.keys(
      'waiting',
      'active',
      'delayed',
      'failed',
      'completed',
    );
    expect(overview?.queues[0]?.counts.failed).to.be.above(0);
    const job = overview?.failed.find(({ photoId }) => photoId === Number(id));
    expect(job).to.include({
      id: `photo-${id}-v1`,
      queue: 'media',
      reason: 'the original file is missing',
      attempts: 1,
    });
    expect(Date.now() - Date.parse(job?.failedAt ?? '')).to.be.within(0, 60_000);
  });

  // Mutation tried: oweAgain() without a new job version; the queue remembers the id and does nothing.
  it('has a failed photo tried again until it is ready, and forgets the failed job', async () => {
    const id = await addFailed('00/a2.jpg');
    await putOriginal('00/a2.jpg');
    const { notice, overview } = await retry({ photoId: id, jobId: `photo-${id}-v1` });
    expect(notice).to.deep.equal({ type: 'success', message: `Photo ${id} is being prepared again.` });
    expect(overview?.failed.some((job) => job.photoId === Number(id))).to.equal(false);
    await until('the photo is ready', async () => (await stateOf(id)) === 'ready');
    expect(await panel.directory.db('photos').where({ id }).first('error', 'job_version')).to.deep.equal({
      error: null,
      job_version: 2,
    });
    const again = await retry({ photoId: id, jobId: `photo-${id}-v1` });
    expect(again.notice?.message).to.contain('is ready: there is nothing to try again');
  });

  // Mutation tried: the same in the photo's own action.
  it('tries again from the photo itself, with a POST alone', async () => {
    const id = await addFailed('00/a3.jpg');
    await putOriginal('00/a3.jpg');
    const action = `/admin/api/resources/photos/records/${id}/tryAgain`;
    await panel.browser.json(action);
    expect(await stateOf(id)).to.equal('failed');
    const answer: Answer = await panel.browser.submit(action, { requested: '1' });
    expect(answer.notice.message).to.contain('is being prepared again');
    await until('the photo is ready', async () => (await stateOf(id)) === 'ready');
  });

  // Mutation tried: not asking for the method; the GET with a body started the job.
  it('changes nothing on a GET, from another site, for a photo that is gone or a number that is none', async () => {
    const id = await addFailed('00/a4.jpg');
    await panel.browser.json(`${PAGE}?photoId=${id}`);
    await getWithBody(PAGE, `photoId=${id}`);
    const headers = { 'sec-fetch-site': 'cross-site' };
    const forged = await panel.browser.send(PAGE, {
      method: 'POST',
      body: new URLSearchParams({ photoId: id }),
      headers,
    });
    expect(forged.status).to.equal(403);
    expect(await stateOf(id)).to.equal('failed');
    expect((await retry({ photoId: '999999' })).notice?.message).to.contain('was deleted');
    for (const photoId of ['x', '-1', '1.5', '1e99'])
      expect((await retry({ photoId })).notice).to.equal(undefined);
  });
});

describe('jobs page without the queue', () => {
  it('says so within seconds, never connected or lost, and comes back; the panel goes on', async () => {
    const redis = await startRedis();
    await redis.stop();
    const producer = openProducerRedis(redis.url);
    producer.on('error', () => {});
    const queue = mediaQueue(producer, () => {});
    const panel = await startDirectoryPanel({ jobs: jobsView(queue, producer, () => {}) });
    const read = async () => {
      const startedAt = performance.now();
      const { overview } = (await panel.browser.json(PAGE)) as unknown as JobsAnswer;
      // Mutation tried: without asking for the connection's status, and without a deadline, this never ends.
      expect(performance.now() - startedAt).to.be.below(3_000);
      return overview;
    };
    try {
      await panel.browser.json('/admin/api/dashboard');
      expect(await read()).to.equal(null);
      await redis.start();
      await until('it is back', read);
      await redis.stop();
      expect(await read()).to.equal(null);
      const salon = await panel.addSalon('Rose');
      const answer = await panel.browser.json('/admin/api/resources/salons/actions/list');
      expect(answer.records).to.have.length(1);
      const row = {
        salon_id: salon,
        original_key: '00/b.jpg',
        content_type: 'image/jpeg',
        bytes: 1,
        state: 'failed',
      };
      const [photo] = await panel.directory
        .db('photos')
        .insert({ ...row, sha256: '0'.repeat(64), width: 1, height: 1, position: 1 })
        .returning('id');
      const { notice } = (await panel.browser.submit(PAGE, { photoId: photo.id })) as unknown as JobsAnswer;
      expect(notice?.type).to.equal('success');
      expect(await panel.directory.db('photos').first('state')).to.deep.equal({ state: 'uploaded' });
    } finally {
      await redis.stop();
      producer.disconnect();
      await panel.stop();
    }
  });
});
