import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { buildSync } from 'esbuild';
import { restoreMedia } from '../../src/host/media-restore.ts';
import { collectMedia, writeMediaList } from '../../src/host/media-store.ts';
import type { MediaFile } from '../../src/plan/backups.ts';
import { Failure } from '../../src/report/failure.ts';
import { createDirectories, filesIn, hashOf } from './media-directories.ts';

const MEGABYTE = 1 << 20;

describe('the store of photos, harmed', () => {
  let directories: ReturnType<typeof createDirectories>;
  let bundle: string;
  beforeEach(() => {
    directories = createDirectories();
    // A bundle starts at once: most of a child's life is spent at what it is killed in.
    bundle = path.join(directories.root, 'media-process.mjs');
    const source = path.join(import.meta.dirname, 'media-process.ts');
    buildSync({
      ...{ entryPoints: [source], outfile: bundle, bundle: true },
      ...{ platform: 'node', format: 'esm', target: 'node20' },
    });
  });
  afterEach(() => directories.remove());
  const collect = () => collectMedia({ ...directories, previous: [], known: [] });

  /** Kills a child at a random moment of its work. @param progress grows up to `end` @returns whether it was in time */
  async function kill(verb: 'collect' | 'restore', progress: () => number, end: number): Promise<boolean> {
    const child = spawn(process.execPath, [bundle, verb, directories.uploads, directories.backups], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exit = once(child, 'exit');
    const enough = randomInt(1, end);
    while (progress() < enough && child.exitCode === null) await setImmediate();
    for (let moments = randomInt(50); moments > 0; moments -= 1) await setImmediate();
    child.kill('SIGKILL');
    const [code, signal] = await exit;
    if (signal === null) expect(code, 'a child that nobody killed').to.equal(0);
    return signal === 'SIGKILL';
  }

  // Broken on purpose: an object that is copied straight to its final name. Fails.
  it('has no wrong object after 20 kills', async function () {
    this.timeout(180_000);
    const photos = 10;
    for (let n = 0; n < photos; n += 1) directories.write(`originals/${n}.jpg`, randomBytes(MEGABYTE));
    for (let kills = 0; kills < 20; ) {
      rmSync(directories.store, { recursive: true, force: true });
      if (await kill('collect', () => directories.stored().length, photos)) kills += 1;
      expect(directories.expectRightObjects()).to.have.length.below(2);
    }
    expect((await collect()).files).to.have.length(photos);
    directories.expectRightObjects();
    expect(directories.stored().filter((name) => !name.endsWith('.partial'))).to.have.length(photos);
  });

  // Broken on purpose: a photo that is copied straight to its final name, and put without keepAside. Fails for each.
  it('gives every photo back after a restore was killed 10 times, and loses nothing that was in the way', async function () {
    this.timeout(180_000);
    const { uploads, backups } = directories;
    const former = new Map<string, string>();
    for (let n = 0; n < 20; n += 1) directories.write(`originals/${n}.jpg`, randomBytes(MEGABYTE));
    const { files } = await collect();
    await writeMediaList(files, path.join(backups, 'media.jsonl'));
    const inPlace = () => filesIn(path.join(uploads, 'originals'));
    const isRestored = (file: MediaFile) =>
      existsSync(path.join(uploads, file.path)) &&
      hashOf(readFileSync(path.join(uploads, file.path))) === file.sha256;
    for (let kills = 0; kills < 10; ) {
      rmSync(uploads, { recursive: true });
      for (const { path: name } of files.slice(0, 10)) {
        former.set(name, `before ${name}`);
        directories.write(name, `before ${name}`);
      }
      const isLarge = (file: string) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) === MEGABYTE;
      const progress = () => inPlace().filter(isLarge).length;
      if (await kill('restore', progress, files.length)) kills += 1;
      for (const file of files)
        if (existsSync(path.join(uploads, file.path)) && !isRestored(file))
          expect(readFileSync(path.join(uploads, file.path), 'utf8')).to.equal(former.get(file.path));
      await restoreMedia(files, { uploads, backups });
      expect(files.filter((file) => !isRestored(file))).to.deep.equal([]);
      const kept = filesIn(uploads).filter((file) => file.includes('/.before-'));
      expect(kept.map((file) => readFileSync(file, 'utf8'))).to.have.members([...former.values()]);
    }
  });

  it('takes in a large file with little memory', function () {
    this.timeout(120_000);
    const bytes = 300 * MEGABYTE;
    truncateSync(directories.write('originals/3f/large.jpg', ''), bytes);
    const args = [bundle, 'collect', directories.uploads, directories.backups];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(directories.stored()).to.have.length(1);
    expect(Number(stdout)).to.be.below(bytes / 4);
  });

  describe('by a full disk', () => {
    /** Mounts a small file system at a directory; the test is skipped where that is not allowed. */
    function mountSmall(context: Mocha.Context, directory: string, megabytes: number) {
      mkdirSync(directory, { recursive: true });
      const mount = (options: string) =>
        spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'atlas-media-test', directory], {
          encoding: 'utf8',
        });
      const { status, stderr } = mount(`size=${megabytes}m`);
      if (status !== 0) {
        (context.runnable() as Mocha.Test).title += ` (skipped: ${stderr?.trim() || 'no mount'})`;
        context.skip();
      }
      mounted.push(directory);
      return { enlarge: () => expect(mount(`remount,size=${megabytes * 16}m`).status).to.equal(0) };
    }
    const mounted: string[] = [];
    afterEach(() => {
      for (const directory of mounted.splice(0)) spawnSync('umount', [directory]);
    });
    const writePhotos = () => {
      for (let n = 0; n < 6; n += 1) directories.write(`originals/${n}.jpg`, randomBytes(MEGABYTE));
    };

    // Broken on purpose: add and restoreOne that leave their temporary file behind. Both fail.
    it('keeps what it has, leaves nothing half done, and says so', async function () {
      const disk = mountSmall(this, directories.backups, 4);
      writePhotos();
      const error = await collect().catch((error: unknown) => error);
      expect(error).to.be.instanceOf(Failure);
      expect((error as Failure).message).to.include(`the disk is full where ${directories.store}`);
      expect(directories.expectRightObjects()).to.deep.equal([]);
      expect(directories.stored()).to.not.have.length(0);
      disk.enlarge();
      expect((await collect()).files).to.have.length(6);
      directories.expectRightObjects();
    });

    it('while photos are restored: leaves no photo half done', async function () {
      writePhotos();
      const { files } = await collect();
      rmSync(path.join(directories.uploads, 'originals'), { recursive: true });
      const uploads = path.join(directories.root, 'small');
      const disk = mountSmall(this, uploads, 4);
      const restore = () => restoreMedia(files, { backups: directories.backups, uploads });
      const error = await restore().catch((error: unknown) => error);
      expect(error).to.be.instanceOf(Failure);
      expect((error as Failure).message).to.include('the disk is full where');
      const whole = filesIn(uploads);
      expect(whole).to.not.have.length(0);
      for (const file of whole) {
        const listed = files.find((one) => path.join(uploads, one.path) === file);
        expect(hashOf(readFileSync(file))).to.equal(listed?.sha256);
      }
      disk.enlarge();
      const { restored, unchanged } = await restore();
      expect({ restored, unchanged }).to.deep.equal({ restored: 6 - whole.length, unchanged: whole.length });
    });
  });
});
