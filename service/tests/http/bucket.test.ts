import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { s3Storage } from '../../src/storage/s3.ts';
import { until } from '../backends/index.ts';
import { type S3Server, startS3 } from '../backends/s3.ts';
import { startTcpProxy, type TcpProxy } from '../backends/tcp-proxy.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { photoForm } from '../support/images.ts';

const times = { connectSeconds: 0.5, idleSeconds: 0.5, deadlineSeconds: 5 };

describe('photos in a bucket', () => {
  let root: string;
  let s3: S3Server;
  let proxy: TcpProxy;
  let directory: TestDirectory;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atlas-bucket-'));
    s3 = await startS3();
    proxy = await startTcpProxy(s3.port);
    const storage = s3Storage({ ...s3.settings, endpoint: proxy.url }, root, times);
    directory = await startDirectory({ storage });
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
  });
  afterEach(() => proxy.mode('pass'));
  after(async () => {
    await directory.stop();
    await proxy.stop();
    await s3.remove();
    await rm(root, { recursive: true });
  });

  const upload = async (size = 40) => {
    // Noise does not compress: 500 pixels square are over 500 kB.
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
    const image = sharp({ create: { width: size, height: size, channels: 3, background: '#888', noise } });
    const body = photoForm(await image.png().toBuffer());
    return directory.call('POST', '/api/salons/studio/photos', { as: 'owner', body });
  };
  const objects = async () => {
    const names = await readdir(s3.path('').replace(/[^/]+$/, ''), { recursive: true });
    return names.filter((name) => name.endsWith('_object'));
  };

  async function expectRefusal(answer: Awaited<ReturnType<typeof upload>>): Promise<void> {
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('content-type')).to.match(/problem\+json/);
    expect(answer.headers.get('retry-after')).to.equal('10');
    expect(answer.body.detail).to.match(/try again in a moment/);
    expect(await directory.db('photos')).to.deep.equal([]);
    proxy.mode('pass');
    expect(await objects()).to.deep.equal([]);
    expect(await readdir(join(root, 'tmp'))).to.deep.equal([]);
  }

  it('refuses an upload with 503 when the bucket breaks off in the middle, and keeps nothing of it', async () => {
    proxy.mode('cut', 200_000);
    // 500 when the middleware does not know a storage that is away (tried).
    await expectRefusal(await upload(500));
    expect((await upload(500)).status).to.equal(201);
    await directory.call('DELETE', '/api/salons/studio', { as: 'owner' });
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
    expect(await objects()).to.deep.equal([]);
  });

  it('refuses an upload with 503 when the bucket is silent, in bounded time', async () => {
    proxy.mode('hang');
    const started = performance.now();
    await expectRefusal(await upload());
    // Twice to store, twice to remove, half a second each.
    expect(performance.now() - started, 'ms').to.be.lessThan(4_000);
  });

  it('is ready, reads and writes salons while the bucket is away', async () => {
    proxy.mode('cut');
    expect((await directory.call('GET', '/readyz')).status).to.equal(200);
    for (const path of ['/api/salons', '/api/salons/studio', '/api/salons/studio/photos'])
      expect((await directory.call('GET', path)).status, path).to.equal(200);
    expect((await directory.call('GET', '/media/ab/ab-320.webp')).status).to.equal(503);
    proxy.mode('pass');
    expect((await directory.call('GET', '/media/ab/ab-320.webp')).status).to.equal(404);
  });

  it('makes variants once the bucket is back, however long that takes, and serves them', async () => {
    const { body: photo } = await upload();
    proxy.mode('cut');
    await directory.startWorkers();
    const waiting = await until('the job has waited twice', async () => {
      const jobs = await directory.jobs('delayed');
      return jobs.some(({ attemptsStarted }) => attemptsStarted >= 2) && jobs;
    });
    // A photo that failed, or one attempt of five gone, when the job does not wait (tried).
    expect(waiting.map(({ attemptsMade }) => attemptsMade)).to.deep.equal([0]);
    proxy.mode('pass');
    const ready = await until('the photo is ready', async () => {
      const { body } = await directory.call('GET', `/api/photos/${photo.id}`);
      return body.state === 'ready' && body;
    });
    const [{ url, bytes }] = ready.variants;
    expect(url).to.match(/^\/media\//);
    const variant = await directory.call('GET', url);
    expect([variant.status, variant.body.length]).to.deep.equal([200, bytes]);
    expect(variant.headers.get('content-type')).to.equal('image/webp');
    expect(variant.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    await directory.call('DELETE', `/api/photos/${photo.id}`, { as: 'owner' });
    expect(await objects()).to.deep.equal([]);
  });

  it('deletes a salon of many photos without asking a silent bucket for each', async () => {
    for (let n = 0; n < 4; n++) expect((await upload()).status).to.equal(201);
    proxy.mode('hang');
    const started = performance.now();
    expect((await directory.call('DELETE', '/api/salons/studio', { as: 'owner' })).status).to.equal(204);
    // Four times a second otherwise (tried).
    expect(performance.now() - started, 'ms').to.be.lessThan(3_000);
  });
});

describe('photos in a bucket that the public can read', () => {
  it('are shown where they are, and /media leads there', async () => {
    const settings = {
      region: 'x',
      bucket: 'photos',
      accessKeyId: 'x',
      secretAccessKey: 'x',
      pathStyle: false,
    };
    const storage = s3Storage({ ...settings, publicUrl: 'https://cdn.example.org' }, tmpdir());
    const directory = await startDirectory({ storage });
    const answer = await directory.call('GET', '/media/ab/abcd-320.webp');
    expect(answer.status).to.equal(302);
    expect(answer.headers.get('location')).to.equal('https://cdn.example.org/variants/ab/abcd-320.webp');
    expect(answer.headers.get('cache-control')).to.equal('public, max-age=3600');
    expect((await directory.call('GET', '/media/ab/..%2f..%2foriginals')).status).to.equal(404);

    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
    const { id } = await directory.db('salons').first('id');
    const variants = JSON.stringify([{ key: 'ab/abcd-320.webp', width: 320, height: 200, bytes: 1 }]);
    const original = { original_key: 'ab/abcd.jpg', content_type: 'image/jpeg', sha256: '0'.repeat(64) };
    const row = { salon_id: id, state: 'ready', bytes: 1, width: 400, height: 250, position: 1 };
    await directory.db('photos').insert({ ...row, ...original, variants });
    const { body } = await directory.call('GET', '/api/salons/studio/photos');
    expect(body.items[0].variants[0].url).to.equal('https://cdn.example.org/variants/ab/abcd-320.webp');
    await directory.stop();
  });
});
