// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { expect } from 'chai';
import { type BaseRotationFacts, type EpochFacts, planBaseRotation } from '../../src/plan/base-retention.ts';
import type { BaseManifest, RestorePoint } from '../../src/plan/bases.ts';
import { type Ancestor, formatLsn, formatSegment, SEGMENT_BYTES, type WalFile } from '../../src/plan/wal.ts';

const DAY = 86_400_000;
const NOW = new Date('2026-11-24T03:50:00.000Z');

/** In the middle of a segment. */
const lsn = (segment: number) => formatLsn(BigInt(segment) * BigInt(SEGMENT_BYTES) + 4096n);

interface Shape {
  system?: string;
  timeline?: number;
  parent?: string;
  segment?: number;
}

/** One of so many days ago, which begins in segment 1000 minus ten times the days. */
function base(days: number, shape: Shape = {}): BaseManifest {
  const { system = '7', timeline = 1, parent, segment = 1000 - 10 * days } = shape;
  const ended = new Date(NOW.getTime() - 5 * 60_000 - days * DAY).toISOString();
  return {
    ...{ id: idOf(days), system, timeline, epoch: `${system}-${timeline}`, parent: parent ?? null },
    ...{ startLsn: lsn(segment), endLsn: lsn(segment), started: ended, ended, verified: ended },
  } as BaseManifest;
}
const idOf = (days: number) => `base-${days}`;
const nights = (from: number, to: number) => range(from, to).map((days) => base(days));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function epoch(name: string, facts: Partial<EpochFacts> = {}): EpochFacts {
  const [system = '', timeline = ''] = name.split('-');
  return {
    epoch: { name, system, timeline: Number(timeline) } as EpochFacts['epoch'],
    ...{ ancestors: [], isCurrent: false },
    ...facts,
  };
}

function wal(name: string, from: number, to: number, kind: WalFile['kind'] = 'compressed'): WalFile[] {
  const timeline = Number(name.split('-')[1]);
  return range(from, to).map((number) => ({
    ...{ epoch: name, kind, segment: formatSegment({ timeline, number: BigInt(number) }) },
  }));
}

const point = (segment: number, system = '7') =>
  ({ name: `at-${segment}`, system, lsn: lsn(segment) }) as RestorePoint;

const plan = (facts: Partial<BaseRotationFacts>) =>
  planBaseRotation({
    ...{
      bases: [],
      epochs: [epoch('7-1', { isCurrent: true })],
      files: [],
      points: [],
      now: NOW,
      keepDays: 7,
    },
    ...facts,
  });

describe('base backups that may be deleted', () => {
  const CASES: [why: string, bases: BaseManifest[], expected: number[]][] = [
    ['are none of none', [], []],
    ['are none of a week', nights(0, 8), []],
    // Broken: the newest of the old ones deleted.
    ['are those before the one that leads into the first moment of the week', nights(0, 9), [9]],
    ['are the same in any order', nights(0, 9).reverse(), [9]],
    ['are none of the newest three', [base(0), base(50), base(100)], []],
    ['are none after a month of failures', nights(31, 50), []],
    ['are none while one is from after the clock', [base(-1), ...nights(0, 20)], []],
    ['are none while all are from a year later', nights(-365, -350), []],
    // Broken: parents not looked for; only the first of them.
    [
      'are none that a kept one builds on, over two steps',
      [...nights(0, 7), base(8, { parent: idOf(9) }), base(9, { parent: idOf(10) }), base(10), base(11)],
      [11],
    ],
    [
      'are a difference and what it builds on, together and in this order',
      [...nights(0, 8), base(9, { parent: idOf(10) }), base(10)],
      [9, 10],
    ],
  ];
  for (const [why, bases, expected] of CASES)
    it(why, () => {
      expect(plan({ bases }).bases).to.deep.equal(expected.map(idOf));
    });

  it('are judged by when they ended, not by their names', () => {
    const misnamed = nights(0, 9).map((one, index) => ({ ...one, id: String(index % 7) + one.ended }));
    expect(plan({ bases: misnamed }).bases).to.deep.equal([misnamed[9]?.id]);
  });
});

describe('WAL that may be deleted', () => {
  const bases = nights(0, 2); // They begin in 1000, 990 and 980.
  const plans = (facts: Partial<BaseRotationFacts>) => {
    const { epochs, files } = plan({ bases, ...facts });
    return { epochs, files };
  };

  // Broken: the first needed one deleted; the newest base backup taken for the oldest.
  it('is what comes before the segment in which the oldest base backup begins', () => {
    const files = wal('7-1', 975, 1005);
    expect(plans({ files })).to.deep.equal({ epochs: [], files: wal('7-1', 975, 979) });
  });

  it('is none while nothing else may be deleted', () => {
    expect(plans({ bases: [base(-1)], files: wal('7-1', 1, 1100) })).to.deep.equal({ epochs: [], files: [] });
    expect(plans({ bases: [], files: wal('7-1', 1, 9) })).to.deep.equal({ epochs: [], files: [] });
  });

  // Broken: every kind deleted; the newest file, too.
  it('is neither what is not compressed yet nor the newest file', () => {
    const files = [
      ...wal('7-1', 960, 961),
      ...wal('7-1', 962, 962, 'plain'),
      ...wal('7-1', 963, 963, 'partial'),
    ];
    expect(plans({ files }).files).to.deep.equal(wal('7-1', 960, 961));
    expect(plans({ files: wal('7-1', 960, 961) }).files, 'a receiver that is behind').to.deep.equal(
      wal('7-1', 960, 960),
    );
  });

  it('is of the WAL before a slot was lost what no base backup leads into', () => {
    const epochs = [epoch('7-1'), epoch('7-1-2', { isCurrent: true })];
    const after = wal('7-1-2', 995, 1005);
    expect(plans({ epochs, files: [...wal('7-1', 970, 985), ...after] })).to.deep.equal({
      ...{ epochs: [], files: wal('7-1', 970, 979) },
    });
    const lone = range(0, 2)
      .map((days) => base(days, { segment: 998 - days }))
      .map((one) => ({
        ...one,
        epoch: '7-1-2',
      }));
    expect(plans({ bases: lone, epochs, files: [...wal('7-1', 970, 985), ...after] })).to.deep.equal({
      ...{ epochs: ['7-1'], files: wal('7-1-2', 995, 995) },
    });
  });

  describe('after a restore to the end of segment 995', () => {
    const end: Ancestor = { timeline: 1, end: BigInt(996 * SEGMENT_BYTES) };
    const epochs = [epoch('7-1'), epoch('7-2', { isCurrent: true, ancestors: [end] })];
    const files = [...wal('7-1', 970, 999), ...wal('7-2', 995, 1020)];

    it('is what comes before the oldest base backup of the timeline that was left', () => {
      const all = [base(0, { timeline: 2, segment: 1010 }), base(1), base(2)];
      expect(plans({ bases: all, epochs, files })).to.deep.equal({ epochs: [], files: wal('7-1', 970, 979) });
    });

    // Broken: LSNs compared across timelines.
    it('is all of the timeline that was left, once its base backups are gone', () => {
      const all = range(0, 2).map((days) => base(days, { timeline: 2, segment: 997 }));
      expect(plans({ bases: all, epochs, files })).to.deep.equal({
        ...{ epochs: ['7-1'], files: wal('7-2', 995, 996) },
      });
    });

    // Broken: any base backup of an ancestor leads on.
    it('is of the new timeline what only a base backup from after the fork would need', () => {
      const all = [
        base(0, { timeline: 2, segment: 1010 }),
        base(1, { segment: 997 }),
        base(2, { segment: 998 }),
      ];
      expect(plans({ bases: all, epochs, files }).files).to.deep.equal([
        ...[...wal('7-1', 970, 996), ...wal('7-2', 995, 1009)],
      ]);
    });

    // Broken: clusters taken for one.
    it('is less where nobody knows from what a timeline came', () => {
      const unknown = [epoch('7-1'), epoch('7-2', { isCurrent: true, ancestors: null })];
      const all = [
        base(0, { timeline: 2, segment: 1010 }),
        base(1, { segment: 997 }),
        base(2, { segment: 998 }),
        base(3, { system: '6', segment: 1 }),
      ];
      expect(plans({ bases: all, epochs: unknown, files }).files).to.deep.equal([
        ...[...wal('7-1', 970, 996), ...wal('7-2', 995, 996)],
      ]);
    });
  });

  // Broken: clusters taken for one.
  it('is that of another cluster when no base backup of it is left', () => {
    const epochs = [epoch('6-1'), epoch('7-1', { isCurrent: true })];
    const files = [...wal('6-1', 500, 510), ...wal('7-1', 980, 1005)];
    expect(plans({ epochs, files })).to.deep.equal({ epochs: ['6-1'], files: [] });
    const former = [...nights(0, 1), base(2, { system: '6', segment: 505 })];
    expect(plans({ bases: former, epochs, files })).to.deep.equal({
      ...{ epochs: [], files: [...wal('6-1', 500, 504), ...wal('7-1', 980, 989)] },
    });
  });

  // Broken: only WAL counted.
  it('is never the epoch that a base backup names', () => {
    const epochs = [epoch('7-1'), epoch('7-2', { isCurrent: true, ancestors: null })];
    expect(plans({ epochs, files: wal('7-1', 970, 971) })).to.deep.equal({
      ...{ epochs: [], files: wal('7-1', 970, 970) },
    });
  });

  // Broken: isCurrent not looked at.
  it('is never the epoch that is being received, with or without a base backup', () => {
    const epochs = [epoch('7-1'), epoch('8-1', { isCurrent: true })];
    expect(plans({ epochs, files: [...wal('7-1', 980, 1005), ...wal('8-1', 1, 3)] })).to.deep.equal({
      ...{ epochs: [], files: [] },
    });
  });
});

// Broken: those of a cluster without base backups kept; the first one that is reached deleted.
it('restore points that may be deleted are those that no base backup leads to', () => {
  const points = [point(979), point(980), point(1020), point(2000, '6')];
  expect(plan({ bases: nights(0, 2), points }).points).to.deep.equal([point(979), point(2000, '6')]);
  expect(plan({ bases: [base(-1)], points }).points).to.deep.equal([]);
});
