// Each guarantee was broken once in the code and seen to fail here; what was broken stands beside the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { readCatalogue } from '../../src/host/catalogue.ts';
import { exists, listFiles } from '../../src/host/files.ts';
import { locateObject } from '../../src/host/media-objects.ts';
import { rotate } from '../../src/host/rotate.ts';
import { formatBackupId } from '../../src/plan/backups.ts';
import { Failure } from '../../src/report/failure.ts';
import { flipBit, makeBackup, sha256 } from './make-backup.ts';

const NOW = new Date('2026-11-24T03:20:00.000Z');
const DAY = 86_400_000;
let backups: string;

const timeOf = (night: number) => new Date(NOW.getTime() - 5 * 60_000 - night * DAY);
const idOf = (night: number) => formatBackupId(timeOf(night), 'nightly');
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const inBackups = (...names: string[]) => path.join(backups, ...names);

/** Each night has a photo of its own, and one that all of them share. */
const photosOf = (night: number) => ({ [`originals/${night}`]: `night ${night}`, 'originals/all': 'shared' });
const objectOf = (content: string) => locateObject(backups, sha256(content));
const hasPhoto = (night: number) => exists(objectOf(`night ${night}`));

async function makeNights(from: number, to: number): Promise<void> {
  for (const night of range(from, to))
    await makeBackup(backups, timeOf(night).toISOString(), { photos: photosOf(night) });
}

const rotateNow = () => rotate({ backups, keepDays: 7, now: NOW });
const listed = async () =>
  (await readCatalogue(backups, { thorough: true })).backups.map(({ manifest }) => manifest.id);

describe('rotation', function () {
  this.timeout(60_000);

  beforeEach(async () => {
    backups = await mkdtemp(path.join(tmpdir(), 'atlas-rotate-'));
  });
  afterEach(() => rm(backups, { recursive: true }));

  // Broken: photos not deleted; the shared one deleted; the list of what remains taken from what was before.
  it('deletes what is old with the photos that nothing else names, and leaves the rest whole', async () => {
    await makeNights(0, 10);
    const rotation = await rotateNow();
    const bytes = [8, 9, 10].reduce((sum, night) => sum + `night ${night}`.length, 0);
    expect(rotation).to.deep.equal({
      deleted: [8, 9, 10].map(idOf),
      photos: { removed: 3, bytes },
      obstacles: [],
    });
    expect(await listed(), 'whole, photos included').to.deep.equal(range(0, 7).map(idOf));
    expect((await readdir(backups)).sort()).to.deep.equal([...range(0, 7).map(idOf), 'media'].sort());
    expect(await Promise.all(range(0, 10).map(hasPhoto))).to.deep.equal(
      range(0, 10).map((night) => night < 8),
    );
    expect(await rotateNow(), 'the second time').to.deep.include({
      deleted: [],
      photos: { removed: 0, bytes: 0 },
    });
  });

  it('goes by the time in the manifest, never by the files', async () => {
    await makeNights(0, 9);
    for (const night of range(0, 9)) {
      const time = night < 5 ? new Date(0) : new Date();
      await utimes(inBackups(idOf(night), 'manifest.json'), time, time);
      await utimes(inBackups(idOf(night)), time, time);
    }
    expect((await rotateNow()).deleted).to.deep.equal([8, 9].map(idOf));
  });

  // Broken: photos deleted all the same.
  it('deletes nothing, and says why, when the newest backup is old', async () => {
    await makeNights(2, 12);
    await rename(inBackups(idOf(5)), inBackups(`.${idOf(5)}.partial`));
    const { deleted, photos, obstacles } = await rotateNow();
    expect(deleted).to.deep.equal([]);
    expect(photos.removed).to.equal(0);
    expect(await hasPhoto(5)).to.equal(true);
    expect(obstacles).to.have.lengthOf(1);
    expect(obstacles[0]).to.match(/^the newest good backup, .* is older than 26 hours$/);
  });

  // Broken: broken ones counted as good; broken ones deleted.
  it('neither relies on a broken backup nor deletes one', async () => {
    await makeNights(0, 10);
    await rm(inBackups(idOf(0), 'database.dump'));
    await rm(inBackups(idOf(9), 'database.dump'));
    const later = new Date(NOW.getTime() + 3 * 3_600_000);
    const first = await rotate({ backups, keepDays: 7, now: later });
    expect(first.deleted, 'the newest good one is of yesterday, 27 hours old').to.deep.equal([]);
    await makeBackup(backups, later.toISOString(), { photos: { new: 'new' } });
    expect((await rotate({ backups, keepDays: 7, now: later })).deleted).to.deep.equal([7, 8, 10].map(idOf));
    expect(await hasPhoto(9), 'the photo of a broken backup stays').to.equal(true);
    expect((await readCatalogue(backups, { thorough: true })).broken).to.have.lengthOf(2);
  });

  // Broken: each of these passed over.
  for (const [what, spoil] of [
    [
      'has a flipped bit in its list, which names another photo now',
      async () => {
        const list = inBackups(idOf(1), 'media.jsonl');
        const hash = /(?<="sha256":"[a-f]*)\d/.exec(await readFile(list, 'utf8'));
        await flipBit(list, hash?.index);
      },
    ],
    ['has lost its list', () => rm(inBackups(idOf(1), 'media.jsonl'))],
    [
      'has lost list and manifest',
      async () => {
        await rm(inBackups(idOf(1), 'manifest.json'));
        await rm(inBackups(idOf(1), 'media.jsonl'));
      },
    ],
    [
      'has a damaged manifest and a line in its list that is none',
      async () => {
        await writeFile(inBackups(idOf(1), 'manifest.json'), '{');
        await writeFile(inBackups(idOf(1), 'media.jsonl'), '{}\n');
      },
    ],
  ] as const)
    it(`deletes no photo while one backup ${what}`, async () => {
      await makeNights(0, 9);
      await spoil();
      const { deleted, photos, obstacles } = await rotateNow();
      expect(deleted, 'another one does not keep these').to.deep.equal([8, 9].map(idOf));
      expect(photos.removed).to.equal(0);
      expect(obstacles.join()).to.match(
        new RegExp(`^the photos of ${idOf(1)} are not known \\(.*all of them stay$`),
      );
      expect(await Promise.all(range(0, 9).map(hasPhoto))).to.not.include(false);
    });

  // Broken: any name deleted; the hidden one's photos kept.
  it('deletes photos that only an unfinished backup names, and nothing else in the store', async () => {
    await makeNights(0, 3);
    await rename(inBackups(idOf(2)), inBackups(`.${idOf(2)}.partial`));
    const foreign = [
      inBackups('media', 'README'),
      inBackups('media', 'ab', '.written-now.partial'),
      inBackups('media', 'ab', 'ab.partial'),
      inBackups('media', 'ab', 'cd'.repeat(32)),
      inBackups('media', 'other', 'ab'.repeat(32)),
    ];
    for (const file of foreign) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, '');
    }
    expect((await rotateNow()).photos.removed).to.equal(1);
    expect(await Promise.all(range(0, 3).map(hasPhoto))).to.deep.equal([true, true, false, true]);
    for (const file of foreign) expect(await exists(file), file).to.equal(true);
    expect(await exists(inBackups(`.${idOf(2)}.partial`)), 'the next backup clears it').to.equal(true);
  });

  it('has no say about the photos of a bucket', async () => {
    await makeNights(0, 9);
    const media = { storage: 's3', endpoint: '', bucket: 'photos' } as const;
    const { id } = await makeBackup(backups, timeOf(0.5).toISOString(), { media, reason: 'before-v2' });
    expect(await rotateNow()).to.deep.include({ deleted: [8, 9].map(idOf), obstacles: [] });
    expect(await listed()).to.include(id);
  });

  it('with nothing there does nothing', async () => {
    expect(await rotateNow()).to.deep.include({ deleted: [], photos: { removed: 0, bytes: 0 } });
  });

  it('fails with the state when a backup cannot be hidden', async () => {
    await makeNights(0, 9);
    await mkdir(inBackups(`.${idOf(8)}.partial`, 'in-the-way'), { recursive: true });
    const error = await rotateNow().catch((reason) => reason);
    expect(error).to.be.instanceOf(Failure);
    expect(error.message).to.match(/^old backups could not be deleted: ENOTEMPTY/);
    expect(error.details.state).to.equal('every other backup is as it was');
    expect(await listed()).to.have.lengthOf(10);
  });

  // Broken: deleted without being hidden first, so that a half of one lay there under its name.
  it('killed while it deletes leaves whole backups and hidden ones, and the next one finishes', async () => {
    await makeNights(0, 12);
    // The first that goes takes its time.
    const first = inBackups(idOf(3));
    for (const index of range(1, 1000)) await writeFile(path.join(first, `file-${index}`), '');
    const whole = (await readdir(first)).length;
    const child = startRotation({ backups, keepDays: 1 });
    const ended = once(child, 'exit');
    let count = whole;
    while (count === whole && child.exitCode === null)
      count = await readdir(first).then(
        (names) => names.length,
        () => 0,
      );
    child.kill('SIGKILL');
    await ended;
    expect(count, 'files under its own name').to.equal(0);
    expect(await exists(inBackups(`.${idOf(3)}.partial`)), 'killed in time').to.equal(true);
    const catalogue = await readCatalogue(backups, { thorough: true });
    expect(catalogue.broken.map(({ name }) => name)).to.deep.equal([`.${idOf(3)}.partial`]);
    expect(catalogue.backups).to.have.lengthOf(12);
    await rotate({ backups, keepDays: 1, now: NOW });
    expect(await listed()).to.deep.equal(range(0, 2).map(idOf));
    expect(await listFiles(inBackups('media'))).to.have.lengthOf(4);
  });
});

/** In a process of its own. */
function startRotation(request: { backups: string; keepDays: number }): ChildProcess {
  const module = JSON.stringify(path.resolve(import.meta.dirname, '../../src/host/rotate.ts'));
  const script = `
    const { rotate } = await import(${module});
    await rotate({ ...${JSON.stringify(request)}, now: new Date(${NOW.getTime()}) });`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
