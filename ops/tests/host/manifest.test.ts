import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { formatManifest, readManifest } from '../../src/host/manifest.ts';
import { MANIFEST_FILE, type Manifest } from '../../src/plan/backups.ts';

const manifest: Manifest = {
  ...{ format: 1, id: '20261123T234530Z-nightly', time: '2026-11-23T23:45:30.123Z', release: 'v1.2.0' },
  ...{ reason: 'nightly', database: { name: 'atlas', bytes: 7_602_703 }, migrations: ['1_init.ts'] },
  postgres: { version: '17.12 (Debian)', image: 'postgres:17.12', imageId: 'sha256:ab' },
  media: { storage: 'local', files: 3, bytes: 12_345 },
  files: [{ name: 'database.dump', bytes: 1064, sha256: 'c3'.repeat(32) }],
  tables: [{ name: 'public."Salón"', rows: 2, sum: '-12345678901234567890123' }],
  ...{ seconds: 6.028, verified: '2026-11-23T23:45:36.151Z' },
};

describe('manifest.json', () => {
  let directory: string;
  const read = async (content: string | Buffer) => {
    await writeFile(path.join(directory, MANIFEST_FILE), content);
    return readManifest(directory);
  };

  before(async () => {
    directory = path.join(await mkdtemp(path.join(tmpdir(), 'atlas-manifest-')), manifest.id);
    await mkdir(directory);
  });
  after(() => rm(path.dirname(directory), { recursive: true }));

  it('is read as it was written, and only with its checksum', async () => {
    expect(await read(formatManifest(manifest))).to.deep.equal(manifest);
    expect(await read(JSON.stringify(manifest))).to.equal(null);
  });

  // Broken: checksum not compared.
  it('is none when any single bit of it is another', async () => {
    const bytes = Buffer.from(formatManifest(manifest));
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
      const outcome = await read(flipped);
      expect(outcome, `byte ${at}: ${flipped.subarray(at - 9, at + 9)}`).to.equal(null);
    }
  });
});
