import { expect } from 'chai';
import { backends, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';

describe('without a backend', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
    await directory.startWorkers();
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
  });
  after(() => directory.stop());

  const name = async () => (await directory.call('GET', '/api/salons/studio')).body.name;
  const rename = (to: string) =>
    directory.call('PATCH', '/api/salons/studio', { as: 'owner', json: { name: to } });
  const readiness = () => directory.call('GET', '/readyz');

  it('reads and writes without redis_cache, and never serves what it held before', async () => {
    const { redisCache } = backends();
    expect(await name()).to.equal('Studio');
    await redisCache.stop();
    expect(await name()).to.equal('Studio');
    expect((await rename('Renamed')).status).to.equal(200);
    expect(await name()).to.equal('Renamed');
    const down = await readiness();
    expect(down.status).to.equal(503);
    expect(down.body).to.deep.include({ status: 'failing' });
    expect(down.body.checks.redis_cache.ok).to.equal(false);
    expect(down.body.checks.database.ok).to.equal(true);
    await redisCache.start();
    await until('ready again', async () => (await readiness()).status === 200);
    expect(await name()).to.equal('Renamed');
  });

  it('keeps an upload while redis_queue is away, and makes its variants when it is back', async () => {
    const { redisQueue } = backends();
    await redisQueue.stop();
    const started = performance.now();
    const body = photoForm(await gradient(400, 300).jpeg().toBuffer());
    const uploaded = await directory.call('POST', '/api/salons/studio/photos', { as: 'owner', body });
    expect(uploaded.status).to.equal(201);
    expect(performance.now() - started, 'ms for the upload').to.be.lessThan(2_000);
    await redisQueue.start();
    // It comes back empty: only the row remembers. Fails without the sweeper (tried).
    await until('the variants are there', async () => {
      const { body } = await directory.call('GET', `/api/photos/${uploaded.body.id}`);
      return body.state === 'ready' && body.variants.length === 2;
    });
  });
});
