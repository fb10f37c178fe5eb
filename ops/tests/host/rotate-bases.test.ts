// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { readBaseCatalogue, readBases } from '../../src/host/base-catalogue.ts';
import { exists } from '../../src/host/files.ts';
import { rotateBases } from '../../src/host/rotate-bases.ts';
import { findDamagedWal, listWalFiles, readEpochs } from '../../src/host/wal-archive.ts';
import { formatSegment } from '../../src/plan/wal.ts';
import { makeBase, makeEpoch, startOf } from './make-base.ts';

const NOW = new Date('2026-11-24T03:50:00.000Z');
const DAY = 86_400_000;
const EPOCH = '7-00000001';
let backups: string;

const timeOf = (night: number) => new Date(NOW.getTime() - 5 * 60_000 - night * DAY);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const inBackups = (...names: string[]) => path.join(backups, ...names);
const rotateNow = () => rotateBases({ backups, keepDays: 7, now: NOW });

/** Each night's begins two segments after the one of the night before; the newest in segment 100. */
async function makeNights(from: number, to: number): Promise<string[]> {
  const ids: string[] = [];
  for (const night of range(from, to))
    ids.push((await makeBase(backups, timeOf(night), { epoch: EPOCH, segment: 100 - 2 * night })).id);
  return ids;
}

const segments = async (epoch: string) =>
  (await readdir(inBackups('wal', epoch))).filter((name) => name.endsWith('.zst'));
const named = (from: number, to: number) =>
  range(from, to).map((number) => `${formatSegment({ timeline: 1, number: BigInt(number) })}.zst`);

describe('rotation of base backups', function () {
  this.timeout(60_000);

  beforeEach(async () => {
    backups = await mkdtemp(path.join(tmpdir(), 'atlas-rotate-'));
    await makeEpoch(backups, EPOCH, { started: timeOf(20), from: 70, to: 104 });
  });
  afterEach(() => rm(backups, { recursive: true }));

  // Broken: WAL not deleted; SHA256SUMS rewritten; points not forgotten.
  it('deletes what is old with its WAL and restore points, and leaves the rest whole', async () => {
    const ids = await makeNights(0, 10);
    const points = [83, 84, 101].map((segment) => ({
      name: `p${segment}`,
      system: '7',
      lsn: startOf(segment),
    }));
    const lines = points.map((point) => `${JSON.stringify(point)}\n`);
    await writeFile(inBackups('points.jsonl'), `${lines.join('')}{"name":"cut of`);
    const sums = await readFile(inBackups('wal', EPOCH, 'SHA256SUMS'), 'utf8');
    expect(await rotateNow()).to.deep.equal({
      ...{ bases: ids.slice(9), epochs: [], files: 14, points: 1, obstacle: null },
    });
    expect((await readdir(inBackups('base'))).sort()).to.deep.equal(ids.slice(0, 9).sort());
    expect(await segments(EPOCH)).to.deep.equal(named(84, 104));
    expect(await readFile(inBackups('wal', EPOCH, 'SHA256SUMS'), 'utf8'), 'the receiver writes it').to.equal(
      sums,
    );
    expect(await readFile(inBackups('points.jsonl'), 'utf8')).to.equal(lines.slice(1).join(''));
    expect(await findDamagedWal(backups, await listWalFiles(backups, await readEpochs(backups)))).to.equal(
      null,
    );
    expect((await readBaseCatalogue(backups, { thorough: true })).broken).to.deep.equal([]);
    expect(await rotateNow(), 'a second time').to.include({ files: 0, points: 0 });
  });

  it('deletes a whole epoch that nothing leads into, but not the one that is being received', async () => {
    await makeEpoch(backups, '6-00000001', { started: timeOf(30), from: 1, to: 3 });
    await makeEpoch(backups, '5-00000001', { started: timeOf(40), from: 1, to: 3 });
    await writeFile(inBackups('wal/state.json'), '{"epoch":"5-00000001"}');
    await makeNights(0, 3);
    expect(await rotateNow())
      .to.include({ obstacle: null })
      .and.to.have.property('epochs')
      .eql(['6-00000001']);
    expect((await readdir(inBackups('wal'))).sort()).to.deep.equal(['5-00000001', EPOCH, 'state.json']);
  });

  // Broken: plan/base-retention.ts without obstacles.
  it('deletes nothing while the clock is wrong or no new base backup is there', async () => {
    const ids = [...(await makeNights(-1, -1)), ...(await makeNights(3, 12))];
    const { obstacle, ...gone } = await rotateNow();
    expect(obstacle).to.match(/comes from after the clock/);
    await rm(inBackups('base', ids[0] ?? ''), { recursive: true });
    expect((await rotateNow()).obstacle).to.match(/is older than 26 hours/);
    expect(gone).to.deep.equal({ bases: [], epochs: [], files: 0, points: 0 });
    expect(await readBases(backups)).to.have.lengthOf(10);
    expect(await segments(EPOCH)).to.have.lengthOf(35);
  });

  // Broken: every directory counted.
  it('neither counts nor deletes a broken one, nor a difference to it', async () => {
    const ids = await makeNights(0, 12);
    await truncate(inBackups('base', ids[9] ?? '', 'base.tar.zst'), 3);
    await truncate(inBackups('base', ids[0] ?? '', 'base.tar.zst'), 3);
    const late = new Date(timeOf(0).getTime() + 60_000);
    const child = await makeBase(backups, late, { epoch: EPOCH, segment: 101, parent: ids[0] ?? '' });
    const { bases } = await rotateNow();
    expect(bases).to.deep.equal(ids.slice(11));
    const { broken } = await readBaseCatalogue(backups, { thorough: false });
    expect(broken.map(({ name, why }) => [name, why])).to.have.deep.members([
      [`base/${ids[9]}`, 'base.tar.zst has 3 bytes instead of 37'],
      [`base/${ids[0]}`, 'base.tar.zst has 3 bytes instead of 37'],
      [`base/${child.id}`, `${child.id} is the difference to ${ids[0]}, which is not there whole`],
    ]);
  });

  // Broken: deleted under its own name; what is hidden read as an epoch; nothing cleared.
  it('clears away what a killed one left, which nobody takes for anything', async () => {
    const ids = await makeNights(0, 3);
    await makeEpoch(backups, '6-00000001', { started: timeOf(30), from: 1, to: 3 });
    await rename(inBackups('wal/6-00000001'), inBackups('wal/.6-00000001.partial'));
    await mkdir(inBackups('base/.x.partial'));
    await writeFile(inBackups('wal/.state.json.new'), '');
    expect((await readEpochs(backups)).map(({ name }) => name)).to.deep.equal([EPOCH]);
    await rotateNow();
    expect(await exists(inBackups('wal/.6-00000001.partial'))).to.equal(false);
    expect(await exists(inBackups('wal/.state.json.new')), 'the receiver writes it').to.equal(true);
    expect((await readBases(backups)).map(({ id }) => id)).to.have.members(ids);
  });

  // Broken: WAL deleted before the base backups.
  it('may be killed anywhere: what is listed is whole, and has its WAL', async () => {
    await makeNights(0, 40);
    await makeEpoch(backups, '6-00000001', { started: timeOf(50), from: 1, to: 40 });
    await makeEpoch(backups, EPOCH, { started: timeOf(50), from: 1, to: 104 });
    for (let kill = 0; kill < 3; kill += 1) {
      const killed = await rotateUntilKilled();
      const { bases, broken } = await readBaseCatalogue(backups, { thorough: true });
      expect(broken).to.deep.equal([]);
      const first = Math.min(
        ...bases.map(({ startLsn }) => Number.parseInt(startLsn.slice(2), 16) / 2 ** 24),
      );
      expect(await segments(EPOCH)).to.include.members(named(first, 104));
      if (!killed) break;
    }
    await rotateNow();
    expect(await readBases(backups)).to.have.lengthOf(9);
    expect(await segments(EPOCH)).to.deep.equal(named(84, 104));
    expect(await readdir(inBackups('wal'))).to.deep.equal([EPOCH]);
  });
});

/** Rotates in a process that is killed as soon as it has deleted something more. @returns whether it was */
async function rotateUntilKilled(): Promise<boolean> {
  const module = JSON.stringify(path.resolve(import.meta.dirname, '../../src/host/rotate-bases.ts'));
  const script = `
    const { rotateBases } = await import(${module});
    process.stdout.write('ready');
    await rotateBases({ backups: ${JSON.stringify(backups)}, keepDays: 7, now: new Date('${NOW.toISOString()}') });`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const watched = [inBackups('base'), inBackups('wal'), inBackups('wal', EPOCH)];
  const look = async () => JSON.stringify(await Promise.all(watched.map((directory) => readdir(directory))));
  const before = await look();
  while (child.exitCode === null && (await look()) === before);
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.signalCode === 'SIGKILL';
}
