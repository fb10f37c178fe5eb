import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { findMediaDamage } from '../../src/host/media-damage.ts';
import { listObjects, locateObject, pruneObjects } from '../../src/host/media-objects.ts';
import { restoreMedia } from '../../src/host/media-restore.ts';
import { collectMedia } from '../../src/host/media-store.ts';
import type { MediaFile } from '../../src/plan/backups.ts';
import { Failure } from '../../src/report/failure.ts';
import { createDirectories, filesIn, hashOf } from './media-directories.ts';

const ORIGINAL = 'originals/3f/a.jpg';
const VARIANT = 'variants/3f/a-320.webp';
const now = new Date('2026-11-24T07:15:30Z');
const KEPT = '.before-20261124T071530Z';

describe('photos from the store', () => {
  let directories: ReturnType<typeof createDirectories>;
  let uploads: string;
  let backups: string;
  let files: MediaFile[];
  beforeEach(async () => {
    directories = createDirectories();
    ({ uploads, backups } = directories);
    directories.write(ORIGINAL, 'original');
    directories.write(VARIANT, 'variant');
    ({ files } = await collectMedia({ uploads, backups, previous: [], known: [] }));
  });
  afterEach(() => directories.remove());

  const restore = () => restoreMedia(files, { backups, uploads, now });
  const read = (name: string) => readFileSync(path.join(uploads, name), 'utf8');
  const fail = async (promise: Promise<unknown>) => {
    const error = await promise.catch((error: unknown) => error);
    expect(error).to.be.instanceOf(Failure);
    return error as Failure;
  };
  /** @returns the object's path */
  const flipBit = (content: string) => {
    const object = locateObject(backups, hashOf(content));
    const bytes = readFileSync(object);
    bytes.writeUInt8(bytes.readUInt8(3) ^ 1, 3);
    chmodSync(object, 0o600);
    writeFileSync(object, bytes);
    return object;
  };

  it('come back with their time, and with owner and modes of the service', async () => {
    const umask = process.umask(0o077);
    try {
      if (process.getuid?.() === 0) chownSync(uploads, 1000, 1000);
      for (const area of ['originals', 'variants', 'tmp'])
        rmSync(path.join(uploads, area), { recursive: true });
      expect(await restore()).to.deep.equal({
        ...{ restored: 2, bytes: 15, unchanged: 0, keptAside: 0, aside: null },
      });
    } finally {
      process.umask(umask);
    }
    expect([read(ORIGINAL), read(VARIANT)]).to.deep.equal(['original', 'variant']);
    const { uid, gid } = statSync(uploads);
    for (const [name, mode] of [
      [VARIANT, 0o640],
      ['variants/3f', 0o750],
      ['variants', 0o750],
    ] as const) {
      const stats = statSync(path.join(uploads, name));
      expect([stats.uid, stats.gid, stats.mode & 0o777], name).to.deep.equal([uid, gid, mode]);
    }
    const again = await collectMedia({ uploads, backups, previous: files, known: [] });
    expect(again.files).to.have.deep.members(files);
    expect(readdirSync(path.join(uploads, 'tmp'))).to.deep.equal([]);
  });

  it('that are there with the same time or the same content are left alone', async () => {
    utimesSync(path.join(uploads, VARIANT), 1000, 1000);
    const before = statSync(path.join(uploads, VARIANT));
    expect(await restore()).to.include({ restored: 0, unchanged: 2, keptAside: 0 });
    expect(statSync(path.join(uploads, VARIANT))).to.include({ ino: before.ino, mtimeMs: 1_000_000 });
  });

  // Broken on purpose: put without keepAside. Fails, and so does the next one.
  it('do not replace other content: it is kept aside, and files of later stay', async () => {
    writeFileSync(path.join(uploads, ORIGINAL), 'another!');
    utimesSync(path.join(uploads, ORIGINAL), 1000, 1000);
    directories.write('originals/aa/later.jpg', 'later');
    expect(await restore()).to.include({ restored: 1, keptAside: 1, aside: path.join(uploads, KEPT) });
    expect(read(ORIGINAL)).to.equal('original');
    expect(read(`${KEPT}/${ORIGINAL}`)).to.equal('another!');
    expect(read('originals/aa/later.jpg')).to.equal('later');
    const { files: next } = await collectMedia({ uploads, backups, previous: [], known: [] });
    expect(next.map((file) => file.path)).to.have.members([ORIGINAL, VARIANT, 'originals/aa/later.jpg']);
  });

  it('keep aside what a restore of the same second left, too', async () => {
    for (const content of ['first!!!', 'second!!']) {
      writeFileSync(path.join(uploads, ORIGINAL), content);
      utimesSync(path.join(uploads, ORIGINAL), 1000, 1000);
      await restore();
    }
    expect([read(`${KEPT}/${ORIGINAL}`), read(`${KEPT}.1/${ORIGINAL}`)]).to.deep.equal([
      'first!!!',
      'second!!',
    ]);
  });

  for (const [what, put] of Object.entries({
    'a directory': (place: string) => mkdirSync(path.join(place, 'x'), { recursive: true }),
    'a dangling link': (place: string) => symlinkSync('nowhere', place),
  }))
    it(`take the place of ${what}`, async () => {
      rmSync(path.join(uploads, ORIGINAL));
      put(path.join(uploads, ORIGINAL));
      expect(await restore()).to.include({ restored: 1, keptAside: 1 });
      expect(read(ORIGINAL)).to.equal('original');
    });

  // Broken on purpose: prepareDirectory that takes links for directories. Fails.
  it('go through no link and no file', async () => {
    const outside = path.join(directories.root, 'outside');
    mkdirSync(outside);
    for (const area of ['originals/3f', 'variants', 'tmp'])
      rmSync(path.join(uploads, area), { recursive: true });
    symlinkSync(outside, path.join(uploads, 'originals/3f'));
    symlinkSync(outside, path.join(uploads, 'tmp'));
    symlinkSync(outside, path.join(uploads, KEPT));
    directories.write('variants', 'a file');
    expect(await restore()).to.include({ restored: 2, keptAside: 3 });
    expect(filesIn(outside)).to.deep.equal([]);
    expect(statSync(path.join(uploads, ORIGINAL)).isFile()).to.equal(true);
    expect(read(`${KEPT}.1/variants`)).to.equal('a file');
  });

  it('go into uploads/ on another disk, where it is a link itself', async () => {
    renameSync(uploads, path.join(directories.root, 'disk'));
    symlinkSync('disk', uploads);
    expect(await restore()).to.include({ restored: 0, unchanged: 2 });
    rmSync(path.join(uploads, ORIGINAL));
    expect(await restore()).to.include({ restored: 1, unchanged: 1 });
    expect(read(ORIGINAL)).to.equal('original');
  });

  // Broken on purpose: restoreOne that puts the file before it asks explainDamage. Fails.
  it('are refused when a bit of an object has flipped; the others come back', async () => {
    const object = flipBit('original');
    writeFileSync(path.join(uploads, ORIGINAL), 'as it was');
    rmSync(path.join(uploads, VARIANT));
    const { message, details } = await fail(restore());
    expect(message).to.equal('1 photos could not be restored');
    expect(details.log).to.include(ORIGINAL).and.to.include(object);
    expect(read(ORIGINAL)).to.equal('as it was');
    expect(read(VARIANT)).to.equal('variant');
    expect(existsSync(path.join(uploads, KEPT))).to.equal(false);
    expect(readdirSync(path.join(uploads, 'tmp'))).to.deep.equal([]);
  });

  it('are refused when there is no object', async () => {
    const object = locateObject(backups, hashOf('original'));
    rmSync(object);
    rmSync(path.join(uploads, ORIGINAL));
    expect((await fail(restore())).details.log).to.include(`the object is gone: ${object}`);
  });

  it('need an uploads/', async () => {
    rmSync(uploads, { recursive: true });
    expect((await fail(restore())).details.next).to.include(uploads);
  });

  describe('searched for damage', () => {
    it('are all well', async () => {
      expect(await findMediaDamage(files, backups)).to.deep.equal([]);
    });

    // Broken on purpose: explainDamage that compares sizes only. Fails.
    it('name each path of an object in which a bit has flipped', async () => {
      const object = flipBit('variant');
      const twice = [...files, ...files.map((file) => ({ ...file, path: `copy/${file.path}` }))];
      const found = await findMediaDamage(twice, backups);
      expect(found.map((one) => one.path)).to.deep.equal([VARIANT, `copy/${VARIANT}`]);
      for (const one of found) {
        expect(one.object).to.equal(object);
        expect(one.why).to.match(/^the object's SHA-256 is [0-9a-f]{64}$/);
      }
    });

    it('name what is gone and what is too short', async () => {
      rmSync(locateObject(backups, hashOf('original')));
      const object = locateObject(backups, hashOf('variant'));
      chmodSync(object, 0o600);
      writeFileSync(object, 'var');
      const found = await findMediaDamage(files, backups);
      expect(found.map(({ why }) => why)).to.have.members([
        'the object is gone',
        'the object has 3 bytes, not 7',
      ]);
    });

    it('are read by sample: no more than asked for, each at some time', async () => {
      for (const content of ['original', 'variant']) flipBit(content);
      const seen = new Set<string>();
      while (seen.size < 2) {
        const found = await findMediaDamage(files, backups, { sample: 1 });
        expect(found).to.have.length(1);
        seen.add(found[0]?.path ?? '');
      }
      expect(await findMediaDamage(files, backups, { sample: 100 })).to.have.length(2);
      expect(await findMediaDamage(files, backups, { sample: 0 })).to.have.length(0);
    });
  });

  describe('pruned', () => {
    it('stay as long as a list has them', async () => {
      const keep = new Set([hashOf('original')]);
      expect(await pruneObjects(backups, keep)).to.deep.equal({ removed: 1, bytes: 7 });
      expect(directories.stored()).to.deep.equal([hashOf('original')]);
      expect(await pruneObjects(backups, keep)).to.deep.equal({ removed: 0, bytes: 0 });
    });

    it('go with what killed copies left a day ago, and with nothing else', async () => {
      const keep = new Set(files.map(({ sha256 }) => sha256));
      const others = ['.1-old.partial', '.2-new.partial', 'README', `00/${hashOf('x')}`, '00/notes'];
      mkdirSync(path.join(directories.store, '00'), { recursive: true });
      for (const name of others) writeFileSync(path.join(directories.store, name), 'x');
      const dayAgo = Date.now() / 1000 - 24 * 3600 - 1;
      utimesSync(path.join(directories.store, '.1-old.partial'), dayAgo, dayAgo);
      expect(await pruneObjects(backups, keep)).to.deep.equal({ removed: 1, bytes: 1 });
      expect(directories.stored()).to.include.members(others.slice(1).map((name) => path.basename(name)));
    });

    it('are nothing where there is no store', async () => {
      expect(await pruneObjects(uploads, new Set())).to.deep.equal({ removed: 0, bytes: 0 });
    });

    it('are listed with their sizes', async () => {
      const listed = [];
      for await (const object of listObjects(backups)) listed.push(object);
      expect(listed).to.have.deep.members(files.map(({ bytes, sha256 }) => ({ bytes, sha256 })));
    });
  });
});
