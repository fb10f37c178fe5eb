import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { makeVariants, widthsFor } from '../../src/jobs/variants.ts';
import { localStorage } from '../../src/storage/local.ts';
import type { Storage } from '../../src/storage/storage.ts';

describe('variant widths', () => {
  it('are the three asked for, never wider than the original and none twice', () => {
    expect(widthsFor(4000)).to.deep.equal([320, 800, 1600]);
    expect(widthsFor(1600)).to.deep.equal([320, 800, 1600]);
    expect(widthsFor(900)).to.deep.equal([320, 800, 900]);
    expect(widthsFor(100)).to.deep.equal([100]);
  });
});

describe('variants', () => {
  let root: string;
  let storage: Storage;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atlas-variants-'));
    storage = localStorage(root);
  });
  afterEach(() => rm(root, { recursive: true }));

  const store = async (key: string, bytes: Uint8Array) => {
    await storage.withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, 'x'), bytes);
      await storage.store('originals', key, join(directory, 'x'));
    });
  };

  // Failed with the original stored as a variant.
  it('of a file that is a JPEG, a page and an archive at once are pictures and nothing else', async () => {
    const payload = '<script>alert(document.domain)</script>PK\u0003\u0004evil.js';
    const picture = await sharp({ create: { width: 900, height: 600, channels: 3, background: '#735' } })
      .withExif({ IFD0: { ImageDescription: payload } })
      .jpeg()
      .toBuffer();
    const key = `ab/${'ab'.repeat(16)}.jpg`;
    await store(key, Buffer.concat([picture, Buffer.from(payload)]));
    const variants = await makeVariants(storage, key, 900);
    expect(variants.map(({ width }) => width)).to.deep.equal([320, 800, 900]);
    for (const variant of variants) {
      const bytes = await readFile(join(root, 'variants', variant.key));
      expect(bytes.includes('script') || bytes.includes('evil'), variant.key).to.equal(false);
      expect(await sharp(bytes).metadata()).to.include({ format: 'webp', width: variant.width });
    }
  });

  // Failed with all of the info of raw pixels passed on.
  it('keep transparency and colours, whatever the original counts them in', async () => {
    const background = { r: 200, g: 30, b: 60, alpha: 0.5 };
    const image = sharp({ create: { width: 1000, height: 400, channels: 4, background } });
    const key = `cd/${'cd'.repeat(16)}.png`;
    await store(key, await image.toColourspace('rgb16').png().toBuffer());
    for (const { key: variant } of await makeVariants(storage, key, 1000)) {
      const { data, info } = await sharp(join(root, 'variants', variant))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(info.channels).to.equal(4);
      [200, 30, 60, 128].forEach((wanted, channel) => {
        expect(data[channel], `channel ${channel} of ${variant}`).to.be.closeTo(wanted, 5);
      });
    }
  });
});
