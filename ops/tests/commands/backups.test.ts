// Each guarantee was broken once in the code and seen to fail here; what was broken stands beside the test.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { KEPT_DATABASE } from '../../src/plan/backups.ts';
import { flipBit, makeBackup } from '../host/make-backup.ts';
import { makeBase, makeEpoch } from '../host/make-base.ts';

let root: string;

/** `make backups` in a directory of its own. */
function runVerb(options: { json?: boolean } = {}) {
  const command = JSON.stringify(path.resolve(import.meta.dirname, '../../src/commands/backups.ts'));
  const script = `
    const { backups } = await import(${command});
    process.exitCode = await backups(${JSON.stringify(options)});`;
  return execa(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    env: { OPS_ROOT: root },
    reject: false,
  });
}

describe('make backups', function () {
  this.timeout(60_000);

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'atlas-backups-'));
    const backups = path.join(root, 'backups');
    await makeBackup(backups, '2026-11-24T03:15:00.000Z', { photos: { 'originals/a.jpg': 'abc' } });
    await makeBackup(backups, '2026-11-22T03:15:00.000Z', {
      reason: 'before-v2',
      media: { storage: 's3', endpoint: '', bucket: 'photos' },
      drill: { time: '2026-11-22T04:30:00.000Z', result: 'pass', seconds: 60 },
    });
    await makeBackup(backups, '2026-11-21T03:15:00.000Z', {
      media: { storage: 'none' },
      drill: { time: '2026-11-21T04:30:00.000Z', result: 'fail', seconds: 60, why: 'x' },
    });
  });
  afterEach(() => rm(root, { recursive: true }));

  // Broken: the failed drill shown as a drill; the progress on stdout.
  it('is a table, newest first, that says how each was verified', async () => {
    const { stdout, stderr, exitCode } = await runVerb();
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).to.deep.equal([
      ['BACKUP', 'WHEN (UTC)', 'SIZE', 'PHOTOS', 'RELEASE', 'VERIFIED', 'OFFSITE'],
      [
        ...[
          '20261124T031500Z-nightly',
          '2026-11-24 03:15',
          '177 B',
          '1, 3 B',
          'v1.2.0',
          'read 2026-11-24 03:15',
        ],
        'no',
      ],
      [
        ...['20261122T031500Z-before-v2', '2026-11-22 03:15', '54 B', 'in photos', 'v1.2.0'],
        ...['drill 2026-11-22 04:30', 'no'],
      ],
      [
        ...['20261121T031500Z-nightly', '2026-11-21 03:15', '54 B', 'no', 'v1.2.0'],
        ...['FAILED drill 2026-11-21 04:30', 'no'],
      ],
    ]);
    expect(stderr).to.contain('every file and photo read');
    expect(exitCode).to.equal(0);
  });

  // Broken: exit 0; broken ones among the others; without hashes.
  it('names what is broken apart from it, with why and what to do, and ends with 1', async () => {
    await flipBit(path.join(root, 'backups/20261122T031500Z-before-v2/globals.sql'));
    const { stdout, exitCode } = await runVerb();
    expect(exitCode).to.equal(1);
    const [table, apart] = stdout.split('\n\n');
    expect(table?.split('\n')).to.have.lengthOf(3);
    expect(table).to.not.contain('before-v2');
    expect(apart?.split('\n')).to.deep.equal([
      'BROKEN: 1, never restored, deleted or counted',
      '  20261122T031500Z-before-v2',
      '    why: globals.sql has another SHA-256 than was written down',
      '    next: when it is of no use to you: rm -r backups/20261122T031500Z-before-v2',
    ]);
  });

  it('is JSON for scripts', async () => {
    await rm(path.join(root, 'backups/20261122T031500Z-before-v2/manifest.json'));
    const { stdout, exitCode } = await runVerb({ json: true });
    const { backups, broken } = JSON.parse(stdout);
    expect(exitCode).to.equal(1);
    expect(backups[0]).to.deep.equal({
      ...{ id: '20261124T031500Z-nightly', time: '2026-11-24T03:15:00.000Z', release: 'v1.2.0' },
      ...{ reason: 'nightly', bytes: 177, media: { storage: 'local', files: 1, bytes: 3 } },
      verified: { how: 'read', time: '2026-11-24T03:15:00.000Z' },
      ...{ drill: null, offsite: false },
    });
    expect(backups).to.have.lengthOf(2);
    expect(broken.map(({ name, why }: Record<string, string>) => [name, why])).to.deep.equal([
      ['20261122T031500Z-before-v2', 'manifest.json is missing'],
    ]);
  });

  describe('with base backups and WAL', () => {
    const epoch = '7-00000001';
    const inBackups = (...names: string[]) => path.join(root, 'backups', ...names);
    const file = (number: string) => `0000000100000000000000${number}`;

    beforeEach(async () => {
      const started = new Date('2026-11-20T03:00:00Z');
      await makeEpoch(inBackups(), epoch, { started, from: 16, to: 31 });
      const full = await makeBase(inBackups(), new Date('2026-11-23T03:45:30Z'), { epoch, segment: 17 });
      const later = { epoch, segment: 24, parent: full.id };
      await makeBase(inBackups(), new Date('2026-11-24T03:45:10Z'), later);
      const state = { system: '7', timeline: 1, heartbeat: '2026-11-24T09:30:05.123Z' };
      await writeFile(inBackups('wal/state.json'), JSON.stringify(state));
    });

    const runParts = async () => {
      const { stdout, exitCode } = await runVerb();
      const parts = stdout.split('\n\n').map((part) => part.split('\n').map((line) => line.split(/ {2,}/)));
      return { parts: parts.slice(1), exitCode };
    };
    const heading = ['TIMELINE', 'ANY SECOND FROM (UTC)', 'UNTIL'];

    it('lists them, and what can be restored', async () => {
      const { parts, exitCode } = await runParts();
      expect(exitCode).to.equal(0);
      expect(parts).to.deep.equal([
        [
          ['BASE BACKUP', 'WHEN (UTC)', 'SIZE', 'KIND', 'VERIFIED'],
          [
            ...['20261124T034510Z-base', '2026-11-24 03:45', '112 B'],
            ...['difference to 20261123T034530Z-base', '2026-11-24 03:45'],
          ],
          ['20261123T034530Z-base', '2026-11-23 03:45', '112 B', 'full', '2026-11-23 03:45'],
        ],
        [heading, ['1', '2026-11-23 03:45:30', '2026-11-24 09:30:05']],
      ]);
    });

    // Broken: a gap passed over; only the first stretch; damaged files counted as good.
    for (const [what, harm, broken] of [
      ['missing', (name: string) => rm(name), 0],
      ['damaged', (name: string) => flipBit(name), 1],
    ] as const)
      it(`names a segment that is ${what}, and goes on from the next base backup`, async () => {
        await harm(inBackups('wal', epoch, `${file('14')}.zst`));
        const { parts, exitCode } = await runParts();
        expect(parts[1]).to.deep.equal([
          heading,
          ['1', '2026-11-23 03:45:30', `${file('14')} is missing or damaged`],
          ['1', '2026-11-24 03:45:10', '2026-11-24 09:30:05'],
        ]);
        expect(exitCode).to.equal(broken);
        expect(JSON.stringify(parts[2] ?? '').includes(`wal/${epoch}/${file('14')}.zst`)).to.equal(
          broken === 1,
        );
      });

    // Broken: sizes alone looked at; a difference listed without what it builds on.
    for (const name of ['base.tar.zst', 'pg_wal.tar', 'backup_manifest', 'manifest.json'])
      it(`names a base backup with one bit flipped in ${name}, and the difference to it`, async () => {
        await flipBit(inBackups('base/20261123T034530Z-base', name));
        const { stdout, exitCode } = await runVerb({ json: true });
        const { bases, restorable, broken } = JSON.parse(stdout);
        expect(exitCode).to.equal(1);
        expect([bases, restorable[0].stretches]).to.deep.equal([[], []]);
        expect(broken.map((one: { name: string }) => one.name)).to.deep.equal([
          ...['base/20261123T034530Z-base', 'base/20261124T034510Z-base'],
        ]);
        expect(broken[0].why).to.contain(name);
      });
  });

  it('says so where there is none', async () => {
    await rm(path.join(root, 'backups'), { recursive: true });
    const { stdout, stderr, exitCode } = await runVerb();
    expect([stdout, exitCode]).to.deep.equal(['', 0]);
    expect(stderr).to.contain('there is no backup yet: make backup');
  });
});

describe('a database that restore-clean may drop', () => {
  for (const [name, isOne] of [
    ['atlas_before_20261124t071530z', true],
    ['atlas', false],
    ['atlas_restore_20261124t071530z', false],
    ['atlas_before_20261124t071530z_mine', false],
    ['my_atlas_before_20261124t071530z', false],
    ['atlas_before_', false],
    ['atlas_before_20261124t071530z"; drop database atlas', false],
  ] as const)
    it(`${isOne ? 'is' : 'is not'} ${name}`, () => {
      expect(KEPT_DATABASE.test(name)).to.equal(isOne);
    });
});
