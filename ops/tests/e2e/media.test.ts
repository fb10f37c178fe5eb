import { renameSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { photoForm, send, waitFor } from './client.ts';
import { type S3Server, startS3 } from './s3-server.ts';
import { stack } from './stack.ts';

const PHOTOS = '/api/salons/moves/photos';

interface Photo {
  state: string;
  variants: { url: string }[];
}

describe('example salons, and their photos in a bucket', function () {
  this.timeout(300_000);
  let token = '';
  let bucket: S3Server;

  const make = async (verb: string, variables = {}) => {
    const outcome = await stack().make(verb, variables);
    return { ...outcome, told: outcome.stdout.trim().split('\n').at(-1) };
  };
  const deploy = async () => {
    const { exitCode, stderr } = await make('deploy', { TAG: stack().settings().IMAGE_TAG ?? '' });
    expect(exitCode, stderr).to.equal(0);
  };
  const upload = async () => {
    const background = { r: 20, g: 120, b: 110 };
    const bytes = await sharp({ create: { width: 500, height: 300, channels: 3, background } })
      .jpeg()
      .toBuffer();
    const { status, body, json } = await send('POST', PHOTOS, { token, form: photoForm(bytes) });
    expect(status, body.toString()).to.equal(201);
    const ask = async () => (await send('GET', `/api/photos/${json().id}`)).json() as unknown as Photo;
    const photo = await waitFor('the photo', ask, ({ state }) => state !== 'uploaded');
    expect(photo.state).to.equal('ready');
    return photo.variants.map(({ url }) => url);
  };

  before(async () => {
    if (process.env.TEST_NO_ENGINE) return;
    token = (await make('token', { NAME: 'media' })).told ?? '';
    const created = await send('POST', '/api/salons', { token, json: { name: 'Moves', city: 'Wien' } });
    expect(created.status, created.body.toString()).to.equal(201);
    const format = '{{(index .IPAM.Config 0).Gateway}}';
    const { stdout } = await stack().sh(
      'docker',
      'network',
      'inspect',
      `${stack().project}_web`,
      '-f',
      format,
    );
    bucket = await startS3(stdout.trim());
  });

  after(async () => {
    await bucket?.remove();
  });

  it('make seed refuses beside salons of somebody’s own, adds thirty when told to, and none again', async () => {
    const refused = await make('seed');
    expect([refused.exitCode, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.contain('nothing was changed').and.contain('make seed YES=1');
    expect((await make('seed', { YES: '1' })).told).to.equal('30 salons and 75 photos added');
    expect((await make('seed', { YES: '1' })).told).to.equal('0 salons and 0 photos added');
    const query = "select count(*) from photos where state <> 'ready'";
    const left = async () =>
      (
        await stack().sh(
          'docker',
          'compose',
          'exec',
          '-T',
          'postgres',
          'psql',
          '-U',
          'postgres',
          '-d',
          'atlas',
          '-tAc',
          query,
        )
      ).stdout.trim();
    await waitFor('every photo is ready', left, (count) => count === '0', 180);
  });

  it('make media-copy names what .env lacks', async () => {
    const { exitCode, stderr } = await make('media-copy');
    expect(exitCode).to.equal(2);
    expect(stderr).to.contain('MEDIA_S3_BUCKET').and.contain('nothing was changed');
  });

  it('moves photos to a bucket: copied, served from there, and new ones go there', async () => {
    const [before = ''] = await upload();
    const there = (await send('GET', before)).body;
    stack().set(bucket.settings);
    const first = await make('media-copy');
    expect(first.exitCode, first.stderr).to.equal(0);
    expect(first.told).to.match(
      /^\d+ files copied and read back \([\d.]+ MB\), 0 there already, 0 missing or damaged$/,
    );
    expect((await make('media-copy')).told).to.match(/^0 files copied .* \d\d+ there already, 0 missing/);
    stack().set({ MEDIA_STORAGE: 's3' });
    await deploy();
    const uploads = path.join(stack().directory, 'uploads');
    renameSync(path.join(uploads, 'variants'), path.join(uploads, 'variants.away'));
    try {
      const moved = await send('GET', before);
      expect([moved.status, moved.headers['content-type']]).to.deep.equal([200, 'image/webp']);
      expect(moved.body.equals(there), 'the same bytes').to.equal(true);
      const stored = bucket.keys().length;
      const [after = ''] = await upload();
      expect((await send('GET', after)).status).to.equal(200);
      expect(bucket.keys().length, 'an original and two variants').to.equal(stored + 3);
      expect(bucket.keys()).to.include(after.replace('/media/', 'variants/'));
    } finally {
      renameSync(path.join(uploads, 'variants.away'), path.join(uploads, 'variants'));
      stack().set({ MEDIA_STORAGE: 'local' });
      await deploy();
    }
  });
});
