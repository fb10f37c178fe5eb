import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { until } from '../backends/index.ts';
import { type Body, startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';

describe('bad uploads', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Studio', city: 'Wien' } });
  });
  after(() => directory.stop());

  // Whatever went wrong, nothing may stay on the disk: neither a temporary file nor its directory.
  afterEach(async () => {
    expect(await directory.files()).to.deep.equal([]);
    const temporary = join(directory.uploads, 'tmp');
    await until(
      'temporary directories are gone',
      async () => (await readdir(temporary).catch(() => [])).length === 0,
    );
  });

  const upload = (body: Body, headers: Record<string, string> = {}) =>
    directory.call('POST', '/api/salons/studio/photos', { as: 'owner', body, headers });

  const cases: [string, () => Promise<Body> | Body, number, RegExp][] = [
    [
      'text that claims to be a JPEG',
      () => photoForm(Buffer.from('<script>alert(1)</script>')),
      422,
      /not an image/,
    ],
    [
      'an SVG',
      () => photoForm(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
      422,
      /not an image/,
    ],
    ['a GIF', async () => photoForm(await gradient(9, 9).gif().toBuffer()), 422, /not an image/],
    ['an empty file', () => photoForm(Buffer.alloc(0)), 422, /is empty/],
    ['a file of over 1 MB', () => photoForm(Buffer.alloc(2 ** 20 + 1)), 413, /larger than 1 MB/],
    ['a file of far over 1 MB', () => photoForm(Buffer.alloc(8 * 2 ** 20)), 413, /larger than 1 MB/],
    ['no file at all', () => fields({ alt: 'nothing' }), 422, /exactly one file/],
    ['a file in another field', () => fields({ picture: new Blob(['x']) }), 422, /exactly one file/],
    ['text in the field photo', () => fields({ photo: 'text' }), 422, /exactly one file/],
    ['an unknown field', async () => photoForm(await tiny(), { title: 'x' }), 422, /title/],
    [
      'an alt text that is too long',
      async () => photoForm(await tiny(), { alt: 'x'.repeat(301) }),
      422,
      /alt/,
    ],
    [
      'a form field of 1 MB',
      async () => photoForm(await tiny(), { alt: 'x'.repeat(2 ** 19) }),
      413,
      /fields/,
    ],
    [
      'too many form fields',
      async () => photoForm(await tiny(), { a: '1', b: '2', c: '3', d: '4', e: '5' }),
      413,
      /fields/,
    ],
  ];
  for (const [what, body, status, detail] of cases) {
    it(`refuses ${what} with ${status}`, async () => {
      const answer = await upload(await body());
      expect([answer.status, answer.body.detail], JSON.stringify(answer.body)).to.satisfy(
        ([got, text]: [number, string]) => got === status && detail.test(text),
      );
    });
  }

  it('refuses two files with 422', async () => {
    const form = photoForm(await tiny());
    form.append('photo', new Blob([new Uint8Array(await tiny())], { type: 'image/jpeg' }), 'b.jpg');
    expect((await upload(form)).status).to.equal(422);
  });

  it('refuses a decompression bomb by its header', async () => {
    const input = { width: 12_000, height: 12_000, channels: 3 as const, background: '#fff' };
    const bomb = await sharp({ create: input, limitInputPixels: false })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).to.be.lessThan(2 ** 20);
    const { status, body } = await upload(photoForm(bomb, {}, 'image/png'));
    expect(status).to.equal(422);
    expect(body.detail).to.equal('photo: has 144 megapixels; at most 50 are accepted');
  });

  it('refuses what is no form with 415, and a form that makes no sense with 400', async () => {
    expect((await upload('{}', { 'Content-Type': 'application/json' })).status).to.equal(415);
    expect((await upload('nonsense', { 'Content-Type': 'multipart/form-data' })).status).to.equal(400);
    expect((await upload('nonsense', { 'Content-Type': 'multipart/form-data; boundary=x' })).status).to.equal(
      400,
    );
  });

  it('answers 401 and 404 before it reads the body', async () => {
    for (const [path, token, status] of [
      ['/api/salons/studio/photos', 'atlas_wrong', 401],
      ['/api/salons/nowhere/photos', directory.token, 404],
    ] as const) {
      const head = await exchange(directory.url, uploadHead(path, token, 900_000));
      expect(head, path).to.match(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it('leaves nothing behind when the client goes away in the middle', async () => {
    const socket = connect(Number(new URL(directory.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(uploadHead('/api/salons/studio/photos', directory.token, 900_000));
    socket.write(
      '--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
    );
    socket.write(Buffer.alloc(100_000));
    await until('the upload has begun', async () => (await directory.files()).length === 1);
    socket.destroy();
    await until('its file is gone', async () => (await directory.files()).length === 0);
    expect((await directory.call('GET', '/api/salons/studio/photos')).body.items).to.deep.equal([]);
  });
});

function tiny(): Promise<Buffer> {
  return gradient(8, 8).jpeg().toBuffer();
}

function fields(values: Record<string, string | Blob>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) form.append(name, value);
  return form;
}

function uploadHead(path: string, token: string, length: number): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Content-Type: multipart/form-data; boundary=x',
    `Content-Length: ${length}`,
    '\r\n',
  ].join('\r\n');
}

/** Sends bytes and answers with the first bytes that come back. */
function exchange(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    socket.once('error', reject).once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}
