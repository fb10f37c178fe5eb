import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { pino } from 'pino';
import { createSalon } from '../../src/db/salons.ts';
import { removeOrphans } from '../../src/jobs/orphans.ts';
import type { Area } from '../../src/storage/keys.ts';
import { localStorage } from '../../src/storage/local.ts';
import { s3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createDatabase } from '../backends/index.ts';
import { type S3Server, startS3 } from '../backends/s3.ts';

const HOUR = 3_600_000;

for (const name of ['local storage', 'a bucket'] as const) {
  describe(`orphans in ${name}`, function () {
    this.timeout(60_000);
    let root: string;
    let s3: S3Server;
    let db: Knex;
    let storage: Storage;
    let salonId: number;
    let lines: Record<string, unknown>[];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'atlas-orphans-'));
      s3 = await startS3();
      ({ db } = await createDatabase());
      storage = name === 'a bucket' ? s3Storage(s3.settings, root) : localStorage(root);
      salonId = (await createSalon(db, { name: 'Orphans', city: 'Wien' })).id;
    });
    beforeEach(() => {
      lines = [];
    });
    after(async () => {
      await db.destroy();
      await s3.remove();
      await rm(root, { recursive: true });
    });
    afterEach(async () => {
      await db('photos').delete();
      for (const area of ['originals', 'variants'] as const)
        for await (const page of storage.list(area, 'ab'))
          for (const { key } of page) await storage.remove(area, key);
    });

    /** Lays a file down that is so many hours old. */
    async function lay(area: Area, key: string, hours: number): Promise<void> {
      const path = name === 'a bucket' ? s3.path(`${area}/${key}`) : join(root, area, key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'x');
      const time = (Date.now() - hours * HOUR) / 1000;
      await utimes(path, time, time);
    }

    /** A photo's row, and its files unless told otherwise. */
    async function addPhoto(stem: string, state = 'ready', layFiles = true): Promise<void> {
      const variants = state === 'ready' ? [{ key: `${stem}-320.webp` }] : [];
      await db('photos').insert({
        ...{ salon_id: salonId, state, original_key: `${stem}.jpg`, content_type: 'image/jpeg' },
        ...{ sha256: '0'.repeat(64), bytes: 1, width: 1, height: 1, position: 1 },
        variants: JSON.stringify(variants),
      });
      if (!layFiles) return;
      await lay('originals', `${stem}.jpg`, 100);
      for (const { key } of variants) await lay('variants', key, 100);
    }

    async function left(): Promise<string[]> {
      const names: string[] = [];
      for (const area of ['originals', 'variants'] as const)
        for await (const page of storage.list(area, 'ab'))
          names.push(...page.map(({ key }) => `${area}/${key}`));
      return names.sort();
    }

    it('are removed when a day old, and nothing else is', async () => {
      await addPhoto('ab/kept');
      await addPhoto('ab/owed', 'uploaded');
      await addPhoto('ab/failed', 'failed');
      // A job may be about to name these.
      await lay('variants', 'ab/owed-800.webp', 100);
      await lay('originals', 'ab/fresh.jpg', 23);
      await lay('variants', 'ab/fresh-320.webp', 23);
      const stay = await left();
      await lay('originals', 'ab/gone.jpg', 25);
      await lay('variants', 'ab/gone-320.webp', 25);
      await lay('variants', 'ab/kept-999.webp', 25);
      await lay('variants', 'ab/failed-320.webp', 25);
      // All three of fresh and owed go when age and state are not asked (tried one by one).
      const report = await removeOrphans({ db, storage, log });
      expect(report).to.deep.equal({ files: 11, orphans: 4, removed: 4, missing: 0 });
      expect(await left()).to.deep.equal(stay);
      expect(lines).to.have.lengthOf(1);
      expect(lines[0]).to.include({ msg: 'orphaned files removed', removed: 4 });
      expect((await removeOrphans({ db, storage, log })).removed).to.equal(0);
    });

    it('are left alone when there are so many that the database must be another one', async () => {
      for (let n = 0; n < 12; n++) await lay('originals', `ab/lost${n}.jpg`, 100);
      const files = await left();
      expect((await removeOrphans({ db, storage, log })).removed).to.equal(0);
      await addPhoto('ab/one');
      // All twelve go without the limit (tried).
      expect((await removeOrphans({ db, storage, log })).removed).to.equal(0);
      expect(await left()).to.include.members(files);
      expect(lines.map(({ level }) => level)).to.deep.equal([50, 50]);
      expect(lines[0]?.msg).to.match(/orphaned files left alone/);
    });

    it('of a single photo are left alone too while there is no row at all', async () => {
      await lay('originals', 'ab/lost.jpg', 100);
      expect((await removeOrphans({ db, storage, log })).removed).to.equal(0);
      expect(await left()).to.deep.equal(['originals/ab/lost.jpg']);
    });

    it('have a counterpart, the row without its files, which is told of', async () => {
      await addPhoto('ab/whole');
      await addPhoto('ab/torn', 'ready', false);
      await addPhoto('ab/owed', 'uploaded', false);
      const report = await removeOrphans({ db, storage, log });
      expect(report).to.include({ missing: 2, removed: 0 });
      const warnings = lines.filter(({ level }) => level === 40);
      const { id } = await db('photos').where({ original_key: 'ab/torn.jpg' }).first('id');
      expect(warnings.map(({ msg, key, photoId }) => [msg, key, photoId])).to.deep.equal([
        ['file is missing', 'ab/torn.jpg', Number(id)],
        ['file is missing', 'ab/torn-320.webp', Number(id)],
      ]);
    });

    it('wait for the next run when this one is told to stop', async () => {
      await addPhoto('ab/kept');
      await lay('originals', 'ab/gone.jpg', 25);
      const report = await removeOrphans({ db, storage, log }, { signal: AbortSignal.abort() });
      expect(report).to.include({ files: 0, removed: 0 });
      expect(await left()).to.include('originals/ab/gone.jpg');
    });
  });
}
