import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { localStorage } from '../../src/storage/local.ts';
import { s3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createDatabase } from '../backends/index.ts';
import { bucketVariables, type S3Server, startS3 } from '../backends/s3.ts';
import { addStoredPhoto } from '../support/photo-rows.ts';
import { runRole } from '../support/process.ts';

for (const name of ['local storage', 'a bucket'] as const) {
  describe(`media check of ${name}`, function () {
    this.timeout(60_000);
    let root: string;
    let s3: S3Server;
    let db: Knex;
    let storage: Storage;
    let env: Record<string, string>;
    let ids: number[];
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), 'atlas-check-'));
      s3 = await startS3();
      const database = await createDatabase();
      db = database.db;
      env = { DATABASE_URL: database.url, UPLOADS_DIR: root, NODE_NO_WARNINGS: '1' };
      if (name === 'a bucket') Object.assign(env, { MEDIA_STORAGE: 's3' }, bucketVariables(s3.settings));
      storage = name === 'a bucket' ? s3Storage(s3.settings, root) : localStorage(root);
      const [salon] = await db('salons')
        .insert({ name: 'Check', slug: 'check', city: 'Wien' })
        .returning('id');
      ids = [];
      for (const [stem, state] of [
        ['ab/one', 'ready'],
        ['ab/two', 'uploaded'],
        ['cd/three', 'failed'],
      ] as const)
        ids.push(await addStoredPhoto(db, storage, salon.id, stem, state));
    });
    afterEach(async () => {
      await db.destroy();
      await s3.remove();
      await rm(root, { recursive: true });
    });

    const check = (...flags: string[]) => runRole(['media', 'check', ...flags], env);

    it('finds nothing missing where all is there, and does not ask of files that no row names', async () => {
      await db('photos').where({ id: ids[2] }).delete();
      expect(await check('--json')).to.deep.equal({
        ...{ code: 0, stderr: '' },
        stdout: '{"photos":2,"missing":[],"missingCount":0}\n',
      });
      expect((await check()).stdout).to.equal('2 photos, 0 files missing or not in their size\n');
    });

    it('names originals of every state and variants that are gone or cut short, and answers 1', async () => {
      const [one, two, three] = ids;
      await storage.remove('variants', 'ab/one-320.webp');
      await storage.remove('originals', 'cd/three.jpg');
      const path = name === 'a bucket' ? s3.path('originals/ab/two.jpg') : join(root, 'originals/ab/two.jpg');
      await truncate(path, 99_999);
      const { code, stdout } = await check('--json');
      // Without the sizes ab/two.jpg is not among them (tried).
      expect([code, JSON.parse(stdout)]).to.deep.equal([
        1,
        {
          photos: 3,
          missing: [
            { id: one, key: 'variants/ab/one-320.webp' },
            { id: two, key: 'originals/ab/two.jpg' },
            { id: three, key: 'originals/cd/three.jpg' },
          ],
          missingCount: 3,
        },
      ]);
      expect((await check()).stdout).to.match(
        /^3 photos, 3 files .*\nphoto \d+: variants\/ab\/one-320\.webp\n/,
      );
    });

    it('names a hundred and counts all', async () => {
      await db.raw(
        `insert into photos (salon_id, state, original_key, content_type, sha256, bytes, width, height, position)
         select salon_id, state, 'ef/' || n || '.jpg', content_type, sha256, bytes, width, height, 100 + n
         from photos, generate_series(1, 150) n where id = ?`,
        [ids[1] ?? 0],
      );
      const { code, stdout } = await check('--json');
      const { photos, missing, missingCount } = JSON.parse(stdout);
      expect([code, photos, missing.length, missingCount]).to.deep.equal([1, 153, 100, 150]);
    });
  });
}

describe('media check', () => {
  it('wants its words and its settings', async () => {
    expect(await runRole(['media', 'check', '--verify'], {})).to.include({
      code: 2,
      stderr: 'usage: media copy [--dry-run] [--verify] | media check [--json]\n',
    });
    const { code, stderr } = await runRole(['media', 'check'], { MEDIA_STORAGE: 's3' });
    expect(code).to.equal(2);
    expect(stderr)
      .to.match(/DATABASE_URL: missing/)
      .and.match(/MEDIA_S3_BUCKET: missing/);
  });
});
