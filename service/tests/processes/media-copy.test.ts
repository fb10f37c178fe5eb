import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { localStorage } from '../../src/storage/local.ts';
import { s3Storage } from '../../src/storage/s3.ts';
import { createDatabase } from '../backends/index.ts';
import { bucketVariables, type S3Server, startS3 } from '../backends/s3.ts';
import { startTcpProxy, type TcpProxy } from '../backends/tcp-proxy.ts';
import { addStoredPhoto } from '../support/photo-rows.ts';
import { runRole } from '../support/process.ts';

const KEYS = ['ab/one', 'ab/two', 'cd/three'];

describe('media copy', function () {
  this.timeout(60_000);
  let root: string;
  let s3: S3Server;
  let proxy: TcpProxy;
  let env: Record<string, string>;
  let db: Awaited<ReturnType<typeof createDatabase>>['db'];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atlas-copy-'));
    s3 = await startS3();
    proxy = await startTcpProxy(s3.port);
    const database = await createDatabase();
    db = database.db;
    env = {
      DATABASE_URL: database.url,
      UPLOADS_DIR: root,
      ...bucketVariables({ ...s3.settings, endpoint: proxy.url }),
      NODE_NO_WARNINGS: '1',
    };
    const [salon] = await db('salons').insert({ name: 'Copy', slug: 'copy', city: 'Wien' }).returning('id');
    for (const stem of KEYS) await addStoredPhoto(db, localStorage(root), salon.id, stem);
  });
  afterEach(async () => {
    await db.destroy();
    await proxy.stop();
    await s3.remove();
    await rm(root, { recursive: true });
  });

  const copy = (...flags: string[]) => runRole(['media', 'copy', ...flags], env);
  const bucket = () => s3Storage(s3.settings, root);
  const inBucket = async (area: 'originals' | 'variants', key: string) =>
    text((await bucket().open(area, key)).stream);

  it('copies every file that rows name, reads it back, and finds it there the next time', async () => {
    const plan = await copy('--dry-run');
    expect(plan).to.include({
      code: 0,
      stdout: '6 files to copy (0.6 MB), 0 there already, 0 missing or damaged\n',
    });
    expect(await bucket().describe('originals', 'ab/one.jpg')).to.equal(undefined);
    const first = await copy();
    const done = '6 files copied and read back (0.6 MB), 0 there already, 0 missing or damaged\n';
    expect(first).to.include({ code: 0, stdout: done });
    for (const stem of KEYS) {
      for (const [area, key] of [
        ['originals', `${stem}.jpg`],
        ['variants', `${stem}-320.webp`],
      ] as const)
        expect(await inBucket(area, key)).to.equal(await readFile(join(root, area, key), 'utf8'));
    }
    const again = '0 files copied and read back (0.0 MB), 6 there already, 0 missing or damaged\n';
    expect(await copy()).to.include({ code: 0, stdout: again });
  });

  it('goes on where a broken connection stopped it', async () => {
    expect((await copy()).code).to.equal(0);
    await bucket().remove('originals', 'cd/three.jpg');
    proxy.mode('cut', 50_000);
    const cut = await copy();
    expect(cut.code).to.equal(1);
    expect(cut.stderr).to.match(
      /^the bucket does not store: .*\nRun it again: it goes on where it stopped\.\n$/m,
    );
    proxy.mode('pass');
    const rest = '1 files copied and read back (0.1 MB), 5 there already, 0 missing or damaged\n';
    expect(await copy()).to.include({ code: 0, stdout: rest });
  });

  it('notices what the bucket did not keep as it was sent, and leaves none of it', async () => {
    s3.damageNext((content) => Buffer.from(content).fill(0, 0, 9));
    const damaged = await copy();
    // 0 without reading back (tried).
    expect(damaged.code).to.equal(1);
    expect(damaged.stderr).to.match(/^photo \d+: \w+\/ab\/one[\w.-]+: damaged in the bucket$/m);
    expect(damaged.stdout).to.match(
      /^5 files copied and read back \(0.5 MB\), 0 there already, 1 missing or damaged/,
    );
    expect((await copy()).stdout).to.match(/^1 files copied and read back/);
  });

  it('with --verify reads back what is there already, and mends it', async () => {
    expect((await copy()).code).to.equal(0);
    await writeFile(s3.path('originals/ab/two.jpg'), 'y'.repeat(100_000));
    expect((await copy()).stdout).to.match(/^0 files copied/);
    const mended = '1 files copied and read back (0.1 MB), 5 there already, 0 missing or damaged\n';
    expect(await copy('--verify')).to.include({ code: 0, stdout: mended });
    expect(await inBucket('originals', 'ab/two.jpg')).to.match(/^originals\/ab\/two/);
  });

  it('names files that are missing or damaged on the disk, and takes what is only in the bucket for good', async () => {
    expect((await copy()).code).to.equal(0);
    // Uploaded since the service moved to the bucket.
    await rm(join(root, 'originals/ab/one.jpg'));
    expect(await copy('--verify')).to.include({ code: 0 });
    await rm(join(root, 'variants/ab/two-320.webp'));
    await bucket().remove('variants', 'ab/two-320.webp');
    await writeFile(join(root, 'originals/cd/three.jpg'), 'z'.repeat(100_000));
    const { code, stdout, stderr } = await copy();
    expect([code, stdout]).to.deep.equal([
      1,
      '0 files copied and read back (0.0 MB), 4 there already, 2 missing or damaged\n',
    ]);
    expect(stderr).to.match(/^photo \d+: variants\/ab\/two-320\.webp: missing$/m);
    expect(stderr).to.match(/^photo \d+: originals\/cd\/three\.jpg: damaged on the disk$/m);
  });

  it('wants its bucket and its words', async () => {
    expect(await runRole(['media', 'move'], env)).to.include({ code: 2 });
    const { code, stderr } = await runRole(['media', 'copy'], { ...env, MEDIA_S3_BUCKET: '' });
    expect([code, stderr]).to.deep.equal([
      2,
      "bad configuration for media:\n  MEDIA_S3_BUCKET: missing; expected a bucket's name\n",
    ]);
  });
});
