import { expect } from 'chai';
import {
  baseDirectory,
  findExpiredObjects,
  PIECE_BYTES,
  parseBaseDirectory,
  parsePiece,
  pieceKeys,
} from '../../src/plan/offsite.ts';
import { judgeOffsite } from '../../src/plan/offsite-health.ts';
import { chooseFiles } from '../../src/plan/recover.ts';

const EPOCH = '77-00000001';
const now = new Date('2026-11-28T06:00:00Z');
const idOf = (day: string) => `202611${day}T033000Z-base`;
const baseOf = (day: string, segment: number, parent?: string) =>
  `base/${idOf(day)}.${EPOCH}.${segment}${parent ? `.${idOf(parent)}` : ''}`;
const wal = (number: number, suffix = 'zst.age', epoch = EPOCH) =>
  `wal/${epoch}/0000000100000000${number.toString(16).toUpperCase().padStart(8, '0')}.${suffix}`;
const dump = (day: string) => `dumps/202611${day}T030000Z-nightly`;

describe('pieces', () => {
  it('are one for most files, and numbered for bigger ones', () => {
    expect(pieceKeys('a', 0)).to.deep.equal(['a.age']);
    expect(pieceKeys('a', PIECE_BYTES)).to.deep.equal(['a.age']);
    expect(pieceKeys('a', PIECE_BYTES + 1)).to.deep.equal(['a.00001-of-00002.age', 'a.00002-of-00002.age']);
  });

  it('are read as they are written', () => {
    for (const key of ['base/x/base.tar.zst', 'wal/e/0001.partial.gz'])
      for (const [index, object] of pieceKeys(key, PIECE_BYTES * 3).entries())
        expect(parsePiece(object)).to.deep.equal({ key, number: index + 1, count: 3 });
    expect(parsePiece('site/env.age')).to.deep.equal({ key: 'site/env', number: 1, count: 1 });
    expect(parsePiece('somebody-elses')).to.equal(null);
  });

  it('a base backup says in its name where its WAL begins, and what it is the difference to', () => {
    for (const parent of [null, '20261127T033000Z-base']) {
      const name = baseDirectory({
        id: '20261128T033000Z-base',
        epoch: EPOCH,
        startLsn: '0/5000028',
        parent,
      });
      expect(parseBaseDirectory(name.slice('base/'.length))).to.deep.equal({
        ...{ id: '20261128T033000Z-base', epoch: EPOCH, segment: 5n, parent },
      });
    }
  });
});

describe('what may be deleted in the bucket', () => {
  const objects = (days: string[]) =>
    days.flatMap((day, index) => [
      `${baseOf(day, index * 10)}/base.tar.zst.age`,
      `${baseOf(day, index * 10)}/manifest.json.age`,
      `${dump(day)}/manifest.json.age`,
    ]);

  it('is what is older than it is kept, and WAL that no remaining base backup needs', () => {
    const all = [...objects(['20', '25', '26', '27']), wal(1), wal(9), wal(10), wal(30, 'partial.gz.age')];
    expect(findExpiredObjects(all, now, 5)).to.have.members([...objects(['20']), wal(1), wal(9)]);
  });

  it('is nothing while the newest is older than two days, or from after the clock', () => {
    expect(findExpiredObjects([...objects(['01', '02', '03']), wal(1)], now, 5)).to.deep.equal([]);
    expect(
      findExpiredObjects([...objects(['01', '02', '30']), wal(1)], new Date('2026-11-20T00:00:00Z'), 5),
    ).to.deep.equal([]);
  });

  it('is never one of the newest two, a photo, a setting, or WAL of another cluster', () => {
    const others = ['site/env.age', 'points.jsonl.age', 'media/aa/bb.age', wal(1, 'zst.age', '88-00000001')];
    expect(findExpiredObjects([...objects(['01', '27']), ...others], now, 1)).to.deep.equal([]);
  });

  // Broken: withParentDirectories left out.
  it('is nothing that a remaining difference builds on, over two steps', () => {
    const chain = [baseOf('18', 1), baseOf('19', 2, '18'), baseOf('26', 3, '19'), baseOf('27', 4, '26')];
    const all = [baseOf('17', 0), ...chain].map((directory) => `${directory}/manifest.json.age`);
    expect(findExpiredObjects([...all, wal(0), wal(1)], now, 5)).to.deep.equal([all[0], wal(0)]);
  });

  it('is WAL that an interrupted deletion left behind', () => {
    const all = [`${baseOf('27', 10)}/manifest.json.age`, wal(3)];
    expect(findExpiredObjects(all, now, 5)).to.deep.equal([wal(3)]);
  });
});

describe('the bucket in make health', () => {
  const status = (seconds: number, error: string | null = null) => ({
    ...{ at: now.toISOString(), error },
    shippedUntil: new Date(now.getTime() - seconds * 1000).toISOString(),
  });
  const state = (...facts: Parameters<typeof judgeOffsite>) => judgeOffsite(...facts).state;

  it('is well when off, and up to five minutes behind', () => {
    expect(state(false, null, now.toISOString())).to.equal('well');
    expect(state(true, status(300), now.toISOString())).to.equal('well');
    expect(state(true, status(301), now.toISOString())).to.equal('wrong');
    expect(state(true, null, now.toISOString())).to.equal('unknown');
  });

  it('says why', () => {
    expect(judgeOffsite(true, status(400, 'the bucket does not take x'), now.toISOString()).title).to.contain(
      'the bucket does not take x',
    );
  });
});

describe('what a new machine fetches', () => {
  const file = (key: string) => key.replace(/\.age$/, '');
  const keys = [
    ...['25', '26', '27'].flatMap((day, index) =>
      ['base.tar.zst', 'pg_wal.tar', 'backup_manifest', 'manifest.json'].map(
        (name) => `${baseOf(day, index * 10)}/${name}`,
      ),
    ),
    `${baseOf('28', 40)}/base.tar.zst`,
    `${dump('26')}/manifest.json`,
    `${dump('27')}/manifest.json`,
    `${dump('28')}/database.dump`,
    ...[wal(5), wal(20), wal(21)].map(file),
    file(wal(21, 'partial.gz.age')),
    file(wal(22, 'partial.gz.age')),
    `wal/${EPOCH}/epoch.json`,
    'media/aa/aabb',
    'points.jsonl',
    'site/env',
  ];
  const places = (moment: string | null) => {
    const found = chooseFiles(keys, moment);
    if (typeof found === 'string') throw new Error(found);
    return found;
  };

  it('is the newest base backup that is whole, and no WAL from before it', () => {
    const { base, places: found } = places(null);
    expect(base).to.equal('20261127T033000Z-base');
    const targets = [...found.values()];
    expect(targets).to.include(`base/${base}/manifest.json`).and.to.include('media/aa/aabb');
    expect(targets)
      .to.include(`${wal(20, 'zst')}`)
      .and.not.include(wal(5, 'zst'));
    expect(targets).to.include(wal(22, 'partial'));
    expect(targets, 'a partial of what is complete').to.not.include(wal(21, 'partial'));
    expect(targets).to.include('20261127T030000Z-nightly/manifest.json');
    expect(
      targets.some((one) => one.startsWith('20261128')),
      'a dump without a manifest',
    ).to.equal(false);
  });

  it('is an older one for an earlier moment, and none for one before all', () => {
    expect(places('2026-11-26T12:00:00.000Z').base).to.equal('20261126T033000Z-base');
    expect(chooseFiles(keys, '2026-11-01T00:00:00.000Z')).to.match(/younger than/);
    expect(chooseFiles(['site/env'], null)).to.match(/no base backup that is whole/);
  });

  it('is what a difference builds on, too, and nothing else; refused where that is not there', () => {
    const whole = (directory: string) =>
      ['base.tar.zst', 'manifest.json'].map((name) => `${directory}/${name}`);
    const chain = [baseOf('25', 0), baseOf('26', 5, '25'), baseOf('27', 9, '26')];
    const all = [...chain, baseOf('24', 0), baseOf('25', 0).replace('T033000Z', 'T043000Z')].flatMap(whole);
    const found = chooseFiles(all, null);
    if (typeof found === 'string') throw new Error(found);
    expect([...found.places.keys()]).to.have.members(chain.flatMap(whole));
    expect([...found.places.values()]).to.include('base/20261126T033000Z-base/base.tar.zst');
    expect(chooseFiles(chain.slice(1).flatMap(whole), null)).to.match(
      /builds on 20261125T033000Z-base, which is not in the bucket/,
    );
  });
});
