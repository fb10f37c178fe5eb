import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type Browser, chromium } from 'playwright-core';
import sharp from 'sharp';
import { photoForm, send, waitFor } from './client.ts';
import { fetchPhotograph } from './photo.ts';
import { stack } from './stack.ts';

interface Photo {
  id: string;
  state: string;
  variants: { width: number; height: number; url: string; type: string }[];
}

/** Debian's Chromium, Ubuntu's snap, or the Chrome of GitHub's runners. */
function findChromium(): string {
  const candidates = ['/usr/bin/chromium', '/snap/bin/chromium', '/usr/bin/google-chrome'];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (!found) throw new Error(`no browser: none of ${candidates.join(', ')}`);
  return found;
}

const screenshots = path.resolve(import.meta.dirname, '../../../.atlas/screenshots');
const salon = { name: 'Salon Zéphyr', city: 'Tehran', description: 'سالن زیبایی', published: true };
let token = '';
let slug = '';
let photo: Photo;

const listed = async () => (await send('GET', '/api/salons?city=Tehran')).json().items ?? [];

describe('the directory, through nginx', function () {
  this.timeout(180_000);

  before(async () => {
    const outcome = await stack().make('token', { NAME: 'e2e' });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    token = outcome.stdout.trim();
  });

  it('make token prints the token alone on stdout', () => {
    expect(token).to.match(/^atlas_[\w-]{43}$/);
  });

  it('creates a salon and lists it', async () => {
    const created = await send('POST', '/api/salons', { token, json: salon });
    expect(created.status, created.body.toString()).to.equal(201);
    slug = String(created.json().slug);
    expect(await listed()).to.have.length(1);
    expect((await listed())[0]).to.include({ name: salon.name, description: salon.description });
    expect((await send('GET', `/api/salons/${encodeURIComponent(slug)}`)).json()).to.include({
      name: salon.name,
    });
  });

  it('refuses to write without a token', async () => {
    const answer = await send('POST', '/api/salons', { json: salon });
    expect(answer.status).to.equal(401);
    expect(answer.headers['content-type']).to.contain('application/problem+json');
  });

  it('takes a real photograph of several MB and serves its WebP variants', async () => {
    const original = await fetchPhotograph();
    expect(original.bytes.length).to.be.greaterThan(5_000_000);
    const path = `/api/salons/${encodeURIComponent(slug)}/photos`;
    const uploaded = await send('POST', path, { token, form: photoForm(original.bytes) });
    expect(uploaded.status, uploaded.body.toString()).to.equal(201);
    const id = String(uploaded.json().id);
    const ask = async () => (await send('GET', `/api/photos/${id}`)).json() as unknown as Photo;
    photo = await waitFor('photo', ask, (one) => one.state !== 'uploaded');
    expect(photo.state).to.equal('ready');
    expect(photo.variants.map((variant) => variant.width)).to.deep.equal([320, 800, 1600]);
    for (const variant of photo.variants) {
      const answer = await send('GET', variant.url);
      expect(answer.status, variant.url).to.equal(200);
      expect(answer.headers['content-type']).to.equal('image/webp');
      expect(answer.headers['cache-control']).to.contain('immutable');
      const found = await sharp(answer.body).metadata();
      expect(found).to.include({ format: 'webp', width: variant.width });
      expect(found.height).to.equal(Math.round((variant.width * original.height) / original.width));
      expect(found.exif).to.equal(undefined);
    }
  });

  it('serves any part of a variant, for downloads that go on', async () => {
    const url = photo.variants[0]?.url ?? '';
    const whole = await send('GET', url);
    const part = await send('GET', url, { headers: { range: 'bytes=10-19' } });
    expect(part.status).to.equal(206);
    expect(part.headers['content-range']).to.equal(`bytes 10-19/${whole.body.length}`);
    expect(part.body.equals(whole.body.subarray(10, 20))).to.equal(true);
    expect(part.headers['x-content-type-options']).to.equal('nosniff');
  });

  it('serves variants from disk: nginx answers while the api is stopped', async () => {
    const url = photo.variants[0]?.url ?? '';
    await stack().sh('docker', 'compose', 'stop', 'api');
    try {
      expect((await send('GET', url)).status).to.equal(200);
      const answer = await send('GET', '/api/salons');
      expect(answer.status).to.equal(503);
      expect(answer.headers['content-type']).to.contain('application/problem+json');
    } finally {
      await stack().sh('docker', 'compose', 'up', '--detach', '--wait', 'api');
    }
  });

  it('bad input: malformed JSON, not an image, a bomb, too large', async () => {
    const path = `/api/salons/${encodeURIComponent(slug)}/photos`;
    const json = { token, raw: '{"name": ', headers: { 'content-type': 'application/json' } };
    expect((await send('POST', '/api/salons', json)).status).to.equal(400);
    const text = photoForm(Buffer.from('GIF89a? no, a letter'));
    expect((await send('POST', path, { token, form: text })).status).to.equal(422);
    const background = { r: 1, g: 2, b: 3 };
    const bomb = await sharp({ create: { width: 12_000, height: 6_000, channels: 3, background } })
      .png()
      .toBuffer();
    expect(bomb.length).to.be.lessThan(1_000_000);
    expect(
      (await send('POST', path, { token, form: photoForm(bomb, 'bomb.png', 'image/png') })).status,
    ).to.equal(422);
    const large = photoForm(Buffer.alloc(25 * 1024 * 1024 + 1));
    const answer = await send('POST', path, { token, form: large });
    expect(answer.status).to.equal(413);
    expect(answer.headers['content-type']).to.contain('application/problem+json');
    const all = (await send('GET', path)).json();
    expect(all.items, 'only the good photo is there').to.have.length(1);
  });

  it('gives every answer the release and a request id', async () => {
    for (const url of ['/livez', '/api/salons', '/nowhere', '/admin/login']) {
      const answer = await send('GET', url, { headers: { 'x-request-id': 'e2e-request-1' } });
      expect(answer.headers['x-release'], url).to.equal(stack().settings().IMAGE_TAG);
      expect(answer.headers['x-request-id'], url).to.equal('e2e-request-1');
    }
  });
});

describe('the admin panel, in a browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  const email = 'owner@example.org';
  let password = '';

  before(async () => {
    const outcome = await stack().make('admin', { EMAIL: email });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    password = outcome.stdout.trim();
    mkdirSync(screenshots, { recursive: true });
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
      ],
    });
  });
  after(() => browser?.close());

  it('make admin prints a strong password alone on stdout', () => {
    expect(password).to.match(/^\S{16,}$/);
  });

  it('logs in, shows the salon, and asks no other host for anything', async () => {
    const origin = `https://localhost:${stack().httpsPort}`;
    const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url()))
        elsewhere.push(request.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${origin}/admin`);
    await page.screenshot({ path: `${screenshots}/login.png` });
    await page.fill('input[name=email]', email);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
    await page.waitForURL(/\/admin\/?$/);
    await page.goto(`${origin}/admin/resources/salons`);
    await page.getByText(salon.name).first().waitFor();
    await page.screenshot({ path: `${screenshots}/salons.png` });
    expect(elsewhere).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
    await page.close();
  });

  it('lets nobody in who is not logged in, whatever the URL pretends', async () => {
    for (const url of [
      '/admin/api/resources/salons/actions/list',
      '/admin/api/resources/salons/actions/list?x=/frontend/assets/logo.svg',
      '/admin/frontend/assets/../../api/resources/salons/actions/list',
    ]) {
      const answer = await send('GET', url);
      expect([302, 401, 404], url).to.include(answer.status);
      expect(answer.body.toString()).to.not.contain(salon.name);
    }
  });
});

describe('make stop and make start', function () {
  this.timeout(240_000);

  it('bring everything back with its data', async () => {
    expect((await stack().make('stop')).exitCode).to.equal(0);
    expect((await stack().make('status')).exitCode).to.not.equal(0);
    const outcome = await stack().make('start');
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(await listed()).to.have.length(1);
    const again = (await send('GET', `/api/photos/${photo.id}`)).json() as unknown as Photo;
    expect(again.state).to.equal('ready');
    expect((await send('GET', photo.variants[1]?.url ?? '')).status).to.equal(200);
  });

  it('a job queued before a restart of the queue is done after it', async () => {
    const { sh } = stack();
    await sh('docker', 'compose', 'stop', 'worker');
    const small = await sharp({ create: { width: 900, height: 600, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    const path = `/api/salons/${encodeURIComponent(slug)}/photos`;
    const id = String((await send('POST', path, { token, form: photoForm(small) })).json().id);
    await sh('docker', 'compose', 'restart', 'redis_queue');
    await sh('docker', 'compose', 'start', 'worker');
    const ask = async () => (await send('GET', `/api/photos/${id}`)).json() as unknown as Photo;
    const done = await waitFor('photo', ask, (one) => one.state === 'ready', 120);
    expect(done.variants.map((variant) => variant.width)).to.deep.equal([320, 800, 900]);
  });
});
