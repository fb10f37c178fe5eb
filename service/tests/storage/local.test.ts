import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { newOriginalKey, variantKey } from '../../src/storage/keys.ts';
import { localStorage } from '../../src/storage/local.ts';
import { NotStoredError, type Storage } from '../../src/storage/storage.ts';

describe('local storage', () => {
  let root: string;
  let storage: Storage;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atlas-storage-'));
    storage = localStorage(root);
  });
  afterEach(() => rm(root, { recursive: true }));

  const put = (key: string, content: string) =>
    storage.withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'file');
      await writeFile(path, content);
      await storage.store('originals', key, path);
    });

  it('keeps a file under its key until it is removed, and no temporary one', async () => {
    const key = newOriginalKey('jpg');
    await put(key, 'content');
    const { bytes, stream } = await storage.open('originals', key);
    expect([bytes, await text(stream)]).to.deep.equal([7, 'content']);
    expect(await storage.withLocalFile('originals', key, (path) => readFile(path, 'utf8'))).to.equal(
      'content',
    );
    expect(await readdir(join(root, 'tmp'))).to.deep.equal([]);
    await storage.remove('originals', key);
    await storage.remove('originals', key);
    expect(await storage.open('originals', key).catch((error) => error)).to.be.instanceOf(NotStoredError);
  });

  it('touches no file whose key is not one of ours', async () => {
    const keys = [
      '../x.jpg',
      'ab/../../x.jpg',
      '/etc/passwd',
      'ab/x',
      'ab/x.jpg/..',
      'ab//x.jpg',
      'AB/x.jpg',
      'ab/.jpg',
      '',
    ];
    for (const key of keys) {
      expect(await storage.open('originals', key).catch((error) => error), key).to.be.instanceOf(
        NotStoredError,
      );
      expect(await put(key, 'x').catch((error) => error), key).to.be.instanceOf(NotStoredError);
      expect(await storage.remove('originals', key).catch((error) => error), key).to.be.instanceOf(
        NotStoredError,
      );
    }
  });

  it('removes what a killed process left behind, and not what is at work', async () => {
    await storage.withTemporaryDirectory(async (directory) => {
      await writeFile(join(root, 'tmp', 'old'), 'x');
      await utimes(join(root, 'tmp', 'old'), 1, 1);
      await storage.removeLeftovers(60);
      expect(await readdir(join(root, 'tmp'))).to.have.lengthOf(1);
      await writeFile(join(directory, 'still-there'), 'x');
    });
  });

  it('names a variant after its original', () => {
    expect(variantKey('3f/3fab.jpg', 320)).to.equal('3f/3fab-320.webp');
  });
});
