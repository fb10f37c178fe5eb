// Each guarantee was broken once in the code and seen to fail here; what was broken stands beside the test.
import { mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { type Catalogue, readCatalogue } from '../../src/host/catalogue.ts';
import { formatManifest, readManifest } from '../../src/host/manifest.ts';
import { locateObject } from '../../src/host/media-objects.ts';
import type { Manifest } from '../../src/plan/backups.ts';
import { flipBit, makeBackup, sha256 } from './make-backup.ts';

let backups: string;
const thorough = () => readCatalogue(backups, { thorough: true });
const quick = () => readCatalogue(backups, { thorough: false });
const inBackups = (...names: string[]) => path.join(backups, ...names);

const MONDAY = '2026-11-23T03:15:00.000Z';
const TUESDAY = '2026-11-24T03:15:00.000Z';
const id = '20261124T031500Z-nightly';

/** Only the one named is broken, for that reason. */
function expectBroken(catalogue: Catalogue, name: string, why: string | RegExp): void {
  expect(catalogue.broken.map((one) => one.name)).to.deep.equal([name]);
  expect(catalogue.broken[0]?.why).to.match(why instanceof RegExp ? why : new RegExp(`^${why}$`));
  expect(catalogue.backups.map(({ manifest }) => manifest.id)).to.not.include(name);
}

describe('the catalogue of backups', () => {
  beforeEach(async () => {
    backups = await mkdtemp(path.join(tmpdir(), 'atlas-catalogue-'));
  });
  afterEach(() => rm(backups, { recursive: true }));

  it('lists every whole backup, newest first, with its manifest and its drill', async () => {
    const drill = { time: TUESDAY, result: 'pass', seconds: 12.5 } as const;
    const photos = { 'originals/a.jpg': 'a', 'variants/a.webp': 'b' };
    const monday = await makeBackup(backups, MONDAY, { photos, drill, reason: 'z' });
    const tuesday = await makeBackup(backups, TUESDAY, {
      photos: { ...photos, 'originals/ \u2028".jpg': 'c' },
    });
    const bucket = await makeBackup(backups, '2026-11-22T03:15:00.000Z', {
      media: { storage: 's3', endpoint: '', bucket: 'photos' },
    });
    const expected = {
      backups: [
        { manifest: tuesday, drill: null },
        { manifest: monday, drill },
        { manifest: bucket, drill: null },
      ],
      broken: [],
    };
    expect(await thorough()).to.deep.equal(expected);
    expect(await quick()).to.deep.equal(expected);
  });

  it('passes over what is no backup, and is empty where nothing is', async () => {
    await writeFile(inBackups('README.md'), '');
    await mkdir(inBackups('media'));
    await mkdir(inBackups('lost+found'));
    const nothing = { backups: [], broken: [] };
    expect(await thorough()).to.deep.equal(nothing);
    expect(await readCatalogue(inBackups('none'), { thorough: true })).to.deep.equal(nothing);
    const error = await readCatalogue(inBackups('README.md'), { thorough: true }).catch((reason) => reason);
    expect(error, 'what cannot be read is not empty').to.have.property('code', 'ENOTDIR');
  });

  // Broken: one of these names not looked at; a manifest without its own name taken.
  for (const [what, name, spoil, why] of [
    ['without a manifest', id, () => rm(inBackups(id, 'manifest.json')), 'manifest.json is missing'],
    [
      'whose manifest was cut short',
      id,
      () => truncate(inBackups(id, 'manifest.json'), 300),
      'manifest.json is damaged or of another backup',
    ],
    [
      'under another name',
      'old',
      () => rename(inBackups(id), inBackups('old')),
      'manifest.json is damaged or of another backup',
    ],
    [
      'that was left unfinished',
      `.${id}.partial`,
      () => rm(inBackups(id, 'manifest.json')).then(() => rename(inBackups(id), inBackups(`.${id}.partial`))),
      'it is not finished: a backup was killed, or runs now',
    ],
    ['that is a file', id, () => replaceByFile(inBackups(id)), 'manifest.json is missing'],
    ['without its dump', id, () => rm(inBackups(id, 'database.dump')), 'database.dump is missing'],
    [
      'whose dump is a directory',
      id,
      () => rm(inBackups(id, 'database.dump')).then(() => mkdir(inBackups(id, 'database.dump'))),
      'database.dump is no file',
    ],
    [
      'whose dump was cut short',
      id,
      () => truncate(inBackups(id, 'database.dump'), 3),
      'database.dump has 3 bytes instead of 36',
    ],
    [
      'whose list of photos is not in its manifest',
      id,
      async () => {
        const manifest = await readManifest(inBackups(id));
        manifest?.files.pop();
        await writeFile(inBackups(id, 'manifest.json'), formatManifest(manifest as Manifest));
      },
      'manifest.json names no media.jsonl',
    ],
  ] as const)
    it(`lists one ${what} as broken, at a quick look and at a thorough one`, async () => {
      const whole = await makeBackup(backups, MONDAY, { photos: { a: 'a' } });
      await makeBackup(backups, TUESDAY, { photos: { a: 'a' } });
      await spoil();
      for (const catalogue of [await quick(), await thorough()]) {
        expectBroken(catalogue, name, why);
        expect(catalogue.backups).to.deep.equal([{ manifest: whole, drill: null }]);
      }
    });

  // Broken: the hash not compared; photos not read; each list not read.
  for (const file of ['database.dump', 'globals.sql', 'media.jsonl'])
    it(`finds one flipped bit in ${file}`, async () => {
      await makeBackup(backups, TUESDAY, { photos: { 'originals/a.jpg': 'a' } });
      await flipBit(inBackups(id, file));
      expectBroken(await thorough(), id, `${file} has another SHA-256 than was written down`);
    });

  it('finds one flipped bit anywhere in the manifest', async () => {
    await makeBackup(backups, TUESDAY, { photos: { 'originals/a.jpg': 'a' } });
    const file = inBackups(id, 'manifest.json');
    for (let byte = 0; byte < (await readFile(file)).length - 1; byte += 41) {
      await flipBit(file, byte);
      expectBroken(await quick(), id, 'manifest.json is damaged or of another backup');
      await flipBit(file, byte);
    }
    expect((await quick()).broken).to.deep.equal([]);
  });

  it('finds one flipped bit in a photo, or a missing one, in every backup that has it and in no other', async () => {
    const shared = { 'originals/a.jpg': 'the picture' };
    await makeBackup(backups, MONDAY, { photos: { 'originals/b.jpg': 'another' } });
    for (const reason of ['one', 'two']) await makeBackup(backups, TUESDAY, { photos: shared, reason });
    const object = locateObject(backups, sha256('the picture'));
    const both = ['20261124T031500Z-one', '20261124T031500Z-two'];
    await flipBit(object);
    const photo = `the photo originals/a.jpg (${path.relative(backups, object)})`;
    const { broken: damaged } = await thorough();
    expect(damaged.map(({ name }) => name)).to.deep.equal(both);
    for (const { why, next } of damaged) {
      expect(why).to.equal(`${photo} has another SHA-256 than was written down`);
      expect(next).to.match(/^remove what is damaged below backups\/media\/: the next backup takes it anew/);
    }
    await rm(object);
    const { broken: missing, backups: whole } = await thorough();
    expect(missing.map(({ why }) => why)).to.deep.equal(both.map(() => `${photo} is missing`));
    expect(whole).to.have.lengthOf(1);
  });

  it('names three faults and counts the others', async () => {
    const photos = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, name]));
    await makeBackup(backups, TUESDAY, { photos });
    await rm(inBackups('media'), { recursive: true });
    expectBroken(
      await thorough(),
      id,
      /^the photo a \(media.*\) is missing; the photo b .*; the photo c .* is missing; and 2 more$/,
    );
  });

  it('finds a list that does not hold as many photos as the manifest says', async () => {
    await makeBackup(backups, TUESDAY, {
      photos: { a: 'a' },
      media: { storage: 'local', files: 2, bytes: 1 },
    });
    expectBroken(await thorough(), id, /^media.jsonl names 1 photos instead of 2/);
  });

  it('takes a drill record that cannot be read for none', async () => {
    await makeBackup(backups, TUESDAY);
    for (const text of ['', '{}', '{"time":"2026-11-24T03:15:00.000Z","result":"PASS","seconds":1}']) {
      await writeFile(inBackups(id, 'drill.json'), text);
      expect((await quick()).backups[0]?.drill, text).to.equal(null);
    }
  });
});

async function replaceByFile(directory: string): Promise<void> {
  await rm(directory, { recursive: true });
  await writeFile(directory, '');
}
