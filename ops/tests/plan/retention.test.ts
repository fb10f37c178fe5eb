// Each rule was broken once in the code and seen to fail here; what was broken stands beside the test.
import { expect } from 'chai';
import { type Backup, formatBackupId, type Manifest } from '../../src/plan/backups.ts';
import { findExpired, findRotationObstacle } from '../../src/plan/retention.ts';

const DAY = 86_400_000;
const NOW = new Date('2026-11-24T03:20:00.000Z');
const LATER = 5 * 60_000;

/** A backup as the clock had it at that time. */
function backupAt(time: number, reason = 'nightly', result?: 'pass' | 'fail'): Backup {
  const at = new Date(time);
  const manifest = {
    ...{ id: formatBackupId(at, reason), reason, time: at.toISOString() },
    verified: new Date(time + 60_000).toISOString(),
  } as Manifest;
  return { manifest, drill: result ? { time: at.toISOString(), result, seconds: 60 } : null };
}

/** So many days ago. */
const old = (days: number, reason?: string, result?: 'pass' | 'fail') =>
  backupAt(NOW.getTime() - LATER - days * DAY, reason, result);
const nights = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => old(from + index));
const ids = (backups: readonly Backup[]) => backups.map(({ manifest }) => manifest.id);
const failed = (days: number) => old(days, 'nightly', 'fail');
const passed = (days: number) => old(days, 'nightly', 'pass');
/** The time in a backup's name. */
const parseId = (id: string) =>
  Date.parse(id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*$/, '$1-$2-$3T$4:$5:$6Z'));

describe('what may be deleted', () => {
  const CASES: [why: string, backups: Backup[], expected: Backup[]][] = [
    ['is nothing of nothing', [], []],
    ['is nothing of a week', nights(0, 7), []],
    ['is what is older than a week', nights(0, 9), nights(8, 9)],
    ['is the same in any order', nights(0, 9).reverse(), nights(8, 9)],
    ['goes by the minute, not by the day', [...nights(0, 6), old(6.99), old(7.01)], [old(7.01)]],
    ['is a dump of a deploy by the same rule', [...nights(0, 6), old(9, 'before-v2')], [old(9, 'before-v2')]],
    ['is not a young dump of a deploy', [...nights(0, 6), old(1.5, 'before-v2')], []],
    // Broken: the newest may be of any age.
    ['is nothing while the newest is older than 26 hours', nights(1.1, 30), []],
    ['is nothing after a month in which every backup failed', nights(30, 50), []],
    // Broken: such a gap counted whole; counted as 26 hours.
    ['is nothing because of the good night that ends such a month', [old(0), ...nights(31, 38)], []],
    ['is the week before it once there is a new one', [...nights(0, 6), ...nights(37, 44)], nights(39, 44)],
    // Broken: a gap counted whole; counted as nothing.
    ['comes later by the days without a backup', [...nights(0, 2), ...nights(6, 12)], nights(10, 12)],
    // Broken: kept for ever.
    ['is one that failed its drill, when it is old', [...nights(0, 7), failed(8)], [failed(8)]],
    ['is nothing when no other one is good', [failed(0), failed(1), ...nights(2, 20)], []],
    ['is one that passed its drill, when it is old', [...nights(0, 6), passed(9)], [passed(9)]],
    // Broken: one from after the clock passed over.
    ['is nothing while one is from after the clock', [old(-1), ...nights(0, 9)], []],
    ['is nothing while all are from a year later', nights(-365, -350), []],
  ];
  for (const [why, backups, expected] of CASES)
    it(why, () => {
      expect(findExpired(backups, NOW, 7)).to.deep.equal(ids(expected));
    });

  it('is judged by the time in the manifest, not by the name', () => {
    const misnamed = nights(0, 9).map(({ manifest }, index) => ({
      manifest: { ...manifest, id: `2026010${index}T000000Z-x` },
      drill: null,
    }));
    expect(findExpired(misnamed, NOW, 7)).to.deep.equal(ids(misnamed).slice(8));
  });

  for (const [days, first] of [
    [1, 3], // Broken: two always kept.
    [2, 3],
    [3, 4],
    [7, 8],
    [18, 19],
    [19, 20],
    [3650, 20],
  ] as const)
    it(`with BACKUP_KEEP_DAYS=${days} begins ${first} nights ago`, () => {
      expect(findExpired(nights(0, 19), NOW, days)).to.deep.equal(ids(nights(first, 19)));
    });

  it('takes dumps of deploys for some of the three', () => {
    const young = [old(0), old(0.1, 'before-v2'), old(0.2, 'before-v3')];
    expect(findExpired([...young, old(1.2), old(1.3)], NOW, 1)).to.deep.equal(ids([old(1.2), old(1.3)]));
  });

  // Broken: one that failed counted as good.
  it('takes none that failed its drill for one of the three', () => {
    const all = [old(0), failed(0.1), old(0.2), old(1.2), old(1.3)];
    expect(findExpired(all, NOW, 1)).to.deep.equal(ids([old(1.3)]));
  });
});

describe('why nothing may be deleted', () => {
  const verifiedLater = old(0);
  verifiedLater.manifest.verified = '2026-11-24T03:20:01.000Z';
  const CASES: [backups: Backup[], why: RegExp | null][] = [
    [nights(0, 9), null],
    [[old(0)], null],
    [[], /^there is no backup that can be relied on$/],
    [[failed(0)], /^there is no backup that can be relied on$/],
    [nights(2, 9), /^the newest good backup, 20261122T031500Z-nightly, is older than 26 hours$/],
    [
      [...nights(0, 5), old(-365)],
      /^20271124T031500Z-nightly comes from after the clock's 2026-11-24T03:20:00Z/,
    ],
    [[verifiedLater], /^20261124T031500Z-nightly comes from after the clock/],
  ];
  for (const [backups, why] of CASES)
    it(`of ${backups.length} backups: ${why ?? 'it may be'}`, () => {
      const obstacle = findRotationObstacle(backups, NOW);
      if (why) expect(obstacle).to.match(why);
      else expect(obstacle).to.equal(null);
    });
});

describe('forty nights', () => {
  const START = Date.UTC(2026, 9, 1, 3, 15);

  interface Night {
    /** Nights since the first. */
    night: number;
    /** What the clock says. */
    now: number;
    kept: Backup[];
    deleted: string[];
  }

  /** A backup each night but those that fail, each followed by a rotation; then one more look when it fails. */
  function live(isGood: (night: number) => boolean, clockError: (night: number) => number): Night[] {
    let kept: Backup[] = [];
    return Array.from({ length: 40 }, (_, night) => {
      // The minutes vary, as they do.
      const time = START + night * DAY + clockError(night) + ((night * 7919) % 13) * 60_000;
      if (isGood(night)) kept = [...kept, backupAt(time, night % 5 ? 'nightly' : 'before-v2')];
      const now = time + 10 * 60_000;
      const deleted = findExpired(kept, new Date(now), 7);
      kept = kept.filter(({ manifest }) => !deleted.includes(manifest.id));
      return { night, now, kept, deleted };
    });
  }

  const always = () => true;
  const right = () => 0;

  it('that are all good leave seven or eight', () => {
    for (const { night, kept } of live(always, right).slice(8)) {
      expect(kept.length, `night ${night}`).to.be.within(7, 8);
    }
  });

  for (const [why, isGood] of [
    ['of which every third fails', (night: number) => night % 3 !== 0],
    ['of which two of three fail', (night: number) => night % 3 === 0],
    ['of which ten in a row fail', (night: number) => night < 12 || night > 21],
    ['of which thirty fail', (night: number) => night < 9 || night > 38],
  ] as const)
    it(`${why} delete nothing on a bad one, and leave what is younger than a week, and three`, () => {
      let made = 0;
      for (const { night, now, kept, deleted } of live(isGood, right)) {
        if (isGood(night)) made += 1;
        else expect(deleted, `night ${night}`).to.deep.equal([]);
        expect(kept.length, `night ${night}`).to.be.at.least(Math.min(made, 3));
        const ages = deleted.map((id) => now - parseId(id));
        expect(ages.every((age) => age > 7 * DAY)).to.equal(true);
      }
    });

  const year = 365 * DAY;
  const LEAPS: [why: string, clockError: (night: number) => number][] = [
    ['leaps a year forward', (night) => (night < 20 ? 0 : year)],
    ['leaps a year back', (night) => (night < 20 ? 0 : -year)],
    ['is a year ahead for one night', (night) => (night === 20 ? year : 0)],
    ['is a year behind for one night', (night) => (night === 20 ? -year : 0)],
  ];
  for (const [why, clockError] of LEAPS)
    it(`in which the clock ${why}: that night nothing is deleted`, () => {
      const all = live(always, clockError);
      expect(all[20]?.deleted).to.deep.equal([]);
      expect(all[19]?.kept.length).to.be.at.least(7);
    });

  // Broken: a gap counted whole, which leaves three of the week before on the third night.
  it('in which the clock leaps a year forward never delete what is really younger than six days', () => {
    const isYoung = (id: string, night: number) => parseId(id) % year > ((night - 6) * DAY + START) % year;
    for (const { night, deleted } of live(always, LEAPS[0]?.[1] ?? right))
      expect(deleted.filter((id) => isYoung(id, night))).to.deep.equal([]);
  });
});
