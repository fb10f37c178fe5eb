import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { originalStem, variantKey } from '../../src/storage/keys.ts';
import { localStorage } from '../../src/storage/local.ts';

describe('local storage', () => {
  it('lets the web server read a file through its group, and nobody else', async () => {
    const root = await mkdtemp(join(tmpdir(), 'atlas-storage-'));
    const storage = localStorage(root);
    await storage.withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, 'file'), 'x', { mode: 0o600 });
      await storage.store('variants', 'ab/ab-320.webp', join(directory, 'file'));
    });
    const mode = async (path: string) => ((await stat(join(root, path))).mode & 0o777).toString(8);
    expect([await mode('variants/ab/ab-320.webp'), await mode('variants/ab')]).to.deep.equal(['640', '750']);
    await rm(root, { recursive: true });
  });
});

describe('keys', () => {
  it('names a variant after its original, and finds back what they share', () => {
    expect(variantKey('3f/3fab.jpg', 320)).to.equal('3f/3fab-320.webp');
    expect(originalStem('3f/3fab-320.webp')).to.equal(originalStem('3f/3fab.jpg'));
  });
});
