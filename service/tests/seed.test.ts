import { expect } from 'chai';
import { listSalons } from '../src/db/salons.ts';
import { examples, seedDirectory } from '../src/seed/directory.ts';
import { drawPicture } from '../src/seed/picture.ts';
import { slugify } from '../src/slug.ts';
import { backends, until } from './backends/index.ts';
import { startDirectory, type TestDirectory } from './support/directory.ts';
import { runRole } from './support/process.ts';

const PHOTOS = 75;

describe('seed', function () {
  this.timeout(120_000);
  let directory: TestDirectory;
  let env: Record<string, string>;
  beforeEach(async () => {
    directory = await startDirectory();
    env = {
      DATABASE_URL: directory.databaseUrl,
      REDIS_CACHE_URL: backends().redisCache.url,
      REDIS_QUEUE_URL: backends().redisQueue.url,
      UPLOADS_DIR: directory.uploads,
    };
  });
  afterEach(() => directory.stop());

  const count = async (table: string, where = {}) =>
    Number((await directory.db(table).where(where).count({ total: '*' }).first())?.total);

  it('draws a picture of its own for every salon and number, the same every time', () => {
    const all = examples.flatMap(({ name }) => [0, 1, 2].map((n) => drawPicture(slugify(name), n)));
    expect(new Set(all).size).to.equal(3 * examples.length);
    expect(drawPicture('x', 1)).to.equal(drawPicture('x', 1));
  });

  it('adds 30 salons whose photos become ready, adds nothing the second time, and they are found', async () => {
    await directory.startWorkers();
    const first = await runRole(['seed'], env);
    expect(first).to.deep.include({ code: 0, stdout: `30 salons and ${PHOTOS} photos added\n`, stderr: '' });
    await until(
      'every photo is ready',
      async () => (await count('photos', { state: 'ready' })) === PHOTOS,
      90,
    );
    const files = (await directory.files()).sort();
    // Adds all photos again with random keys (tried).
    expect((await runRole(['seed'], env)).stdout).to.equal('0 salons and 0 photos added\n');
    expect((await directory.files()).sort()).to.deep.equal(files);

    const found = async (query: string) =>
      (await directory.call('GET', `/api/salons?${query}`)).body.items.map(
        (one: { name: string }) => one.name,
      );
    expect(await found('limit=100')).to.have.lengthOf(28);
    for (const [q, name] of [
      ['ماهرخ', 'سالن زیبایی ماه‌رخ'],
      ['ماه رخ زيبايي', 'سالن زیبایی ماه‌رخ'],
      ['آرايشگاه گل محمدي', 'آرایشگاه گل محمدی'],
      ['ايل گولي', 'سالن ائل‌گولی'],
      ['ایل رخ', undefined],
      ['lumiere PARIS', 'Salon Lumière'],
      ['brosse', 'L’Atelier Brossé'],
    ])
      expect(await found(new URLSearchParams({ q: String(q) }).toString()), q).to.deep.equal(
        name ? [name] : [],
      );
    expect(await found(new URLSearchParams({ city: 'بندرعباس' }).toString())).to.deep.equal(['سالن ساحل']);
    const photos = (await directory.call('GET', `/api/salons/${encodeURIComponent('سالن-ساحل')}/photos`)).body
      .items;
    expect(photos[0].variants.map(({ width }: { width: number }) => width)).to.deep.equal([320, 800, 1600]);
  });

  it('takes up what a killed run began, and leaves salons of somebody else alone', async () => {
    const { db, deps } = directory;
    const list = examples.slice(0, 6);
    const [example] = list;
    if (!example) throw new Error('no examples');
    await db('salons').insert({ name: 'Somebody else', slug: slugify(example.name), city: 'Wien' });
    const enqueue = async () => {
      if ((await count('photos')) === 10) throw new Error('killed');
    };
    const killed = await seedDirectory({ db, storage: deps.storage, enqueue }, list).catch((error) => error);
    expect(killed.message).to.equal('killed');
    await seedDirectory({ db, storage: deps.storage, enqueue: async () => {} }, list);
    expect(await listSalons(db, { hidden: true, limit: 100 })).to.have.lengthOf(6);
    expect(await count('photos')).to.equal(13);
    expect(await db('salons').where({ name: 'Somebody else' })).to.have.lengthOf(1);
  });

  it('wants a yes beside salons of its own, and adds the photos while the queue is away', async () => {
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Mine', city: 'Graz' } });
    const refused = await runRole(['seed'], env);
    expect([refused.code, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.contain('1 salons of its own').and.contain('make seed YES=1');
    expect(await count('salons')).to.equal(1);
    const added = await runRole(['seed', '--yes'], { ...env, REDIS_QUEUE_URL: 'redis://127.0.0.1:1' });
    expect(added.stdout).to.equal(`30 salons and ${PHOTOS} photos added\n`);
    expect(await count('photos', { state: 'uploaded' })).to.equal(PHOTOS);
  });
});
