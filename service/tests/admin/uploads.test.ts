import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { until } from '../backends/index.ts';
import { gradient, photoForm } from '../support/images.ts';
import { type DirectoryPanel, startDirectoryPanel } from './directory-panel.ts';
import { Browser } from './support.ts';

const pathOf = (id: string) => `/admin/api/uploads/salons/${id}`;

describe('uploads from the panel', () => {
  let panel: DirectoryPanel;
  let salon: string;
  let jpeg: Buffer;

  before(async () => {
    panel = await startDirectoryPanel();
    salon = await panel.addSalon('Rose');
    jpeg = await gradient(600, 400).jpeg().toBuffer();
  });
  after(() => panel.stop());
  afterEach(async () => {
    await panel.directory.db('photos').delete();
    const temporary = join(panel.directory.uploads, 'tmp');
    await until(
      'temporary directories are gone',
      async () => (await readdir(temporary).catch(() => [])).length === 0,
    );
  });

  const originals = async () =>
    (await panel.directory.files()).filter((file) => file.startsWith('originals/'));
  const photos = () => panel.directory.db('photos').orderBy('id');
  const send = (body: FormData, headers: Record<string, string> = {}, browser = panel.browser, id = salon) =>
    browser.send(pathOf(id), { method: 'POST', body, headers: { accept: 'application/json', ...headers } });

  /** Announces a body and sends none of it: the status is an answer that was given before reading. */
  function announce(path: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const announced = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '900000' };
      const options = { method: 'POST', headers: { ...announced, ...headers } };
      const upload = request(panel.directory.url + path, options, (response) => {
        resolve(response.statusCode);
        upload.destroy();
      });
      upload.on('error', reject);
      upload.flushHeaders();
    });
  }

  it('makes a photo of the salon, in order, by the API’s own function', async () => {
    const response = await send(photoForm(jpeg, { alt: 'نمای سالن' }));
    expect(response.status).to.equal(201);
    await send(photoForm(jpeg));
    const rows = await photos();
    expect(await response.json()).to.deep.equal({ id: Number(rows[0].id), state: 'uploaded' });
    expect(rows.map((row) => [row.salon_id, row.alt, row.position, row.width, row.height])).to.deep.equal([
      [salon, 'نمای سالن', 1, 600, 400],
      [salon, null, 2, 600, 400],
    ]);
    expect(await originals()).to.include(`originals/${rows[0].original_key}`);
  });

  // Mutation tried: no invalidation; the API went on with the empty list.
  it('is seen by the next reader of the API, cached or not', async () => {
    const list = async () => (await panel.directory.call('GET', '/api/salons/rose/photos')).body.items;
    expect(await list()).to.deep.equal([]);
    await send(photoForm(jpeg));
    expect(await list()).to.have.length(1);
  });

  // Mutation tried: accept() before enter(): this waits for a body that never comes, or stores the photo.
  it('answers strangers, other sites and wrong salons before it has read a byte', async () => {
    const cookie = [...panel.browser.cookies].map((pair) => pair.join('=')).join('; ');
    const own = { 'sec-fetch-site': 'same-origin' };
    expect(await announce(pathOf(salon), own)).to.equal(401);
    expect(await announce(pathOf(salon), { cookie, 'sec-fetch-site': 'cross-site' })).to.equal(403);
    expect(await announce(pathOf(salon), { cookie, 'sec-fetch-site': 'same-site' })).to.equal(403);
    expect(await announce(pathOf(salon), { cookie })).to.equal(403);
    expect(await announce(pathOf('999999'), { cookie, ...own })).to.equal(404);
    expect(await announce(pathOf(salon), { cookie, ...own, 'content-type': 'application/json' })).to.equal(
      415,
    );
    expect(await announce(pathOf(salon), { cookie, ...own, 'content-length': '9000000' })).to.equal(413);
    expect(await announce(`/admin/api/uploads/salons/${salon}?/frontend/assets/icon.svg`, own)).to.equal(401);
  });

  it('takes them from editors too, and from nobody whose session has ended', async () => {
    await panel.directory.db('admins').update({ role: 'editor' });
    expect((await send(photoForm(jpeg))).status).to.equal(201);
    await panel.directory.db('admins').update({ role: 'admin' });
    const other = new Browser(panel.directory.url, '192.0.2.7');
    await other.login('ada@example.org');
    await panel.directory.db('admin_sessions').where({ ip: '192.0.2.7' }).delete();
    expect((await send(photoForm(jpeg), {}, other)).status).to.equal(401);
  });

  it('knows POST alone, and no other address', async () => {
    expect((await panel.browser.send(pathOf(salon))).status).to.equal(405);
    for (const id of ['0', 'x', `${salon}/`, `${salon}%2f..`])
      expect((await send(photoForm(jpeg), {}, panel.browser, id)).status, id).to.equal(404);
  });

  it('refuses what is no photo with the API’s words, and keeps no file', async () => {
    const refusals: [FormData, number, RegExp][] = [
      [photoForm(Buffer.from('text')), 422, /not an image/],
      [photoForm(Buffer.alloc(0)), 422, /is empty/],
      [photoForm(Buffer.alloc(2 ** 20 + 1)), 413, /larger than 1 MB/],
      [photoForm(jpeg, { title: 'x' }), 422, /title/],
    ];
    const before = await originals();
    for (const [body, status, detail] of refusals) {
      const response = await send(body);
      expect(response.status).to.equal(status);
      expect(response.headers.get('content-type')).to.contain('application/problem+json');
      expect(((await response.json()) as { detail: string }).detail).to.match(detail);
    }
    expect(await photos()).to.deep.equal([]);
    expect(await originals()).to.deep.equal(before);
  });

  // Mutation tried: a temporary directory that is not removed in the end; afterEach waits for it in vain.
  it('keeps nothing of an upload that breaks off', async () => {
    const before = (await panel.directory.files()).length;
    const cookie = [...panel.browser.cookies].map((pair) => pair.join('=')).join('; ');
    const socket = connect(Number(new URL(panel.directory.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      [
        `POST ${pathOf(salon)} HTTP/1.1`,
        'Host: localhost',
        `Cookie: ${cookie}`,
        'Sec-Fetch-Site: same-origin',
        'Content-Type: multipart/form-data; boundary=x',
        'Content-Length: 900000',
        '',
        '--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
      ].join('\r\n'),
    );
    socket.write(Buffer.alloc(100_000));
    await until('the upload has begun', async () => (await panel.directory.files()).length === before + 1);
    socket.destroy();
    await until('its file is gone', async () => (await panel.directory.files()).length === before);
    expect(await photos()).to.deep.equal([]);
  });
});
