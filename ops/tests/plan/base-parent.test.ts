// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { expect } from 'chai';
import { chooseParent } from '../../src/plan/base-parent.ts';
import type { BaseManifest } from '../../src/plan/bases.ts';

const NOW = new Date('2026-11-28T03:50:00.000Z');
const MEGABYTE = 2 ** 20;

/** One of so many days ago. */
function base(days: number, parent: number | null, shape: { bytes?: number; epoch?: string } = {}) {
  const { bytes = 10, epoch = '7-1' } = shape;
  const started = new Date(NOW.getTime() - days * 86_400_000).toISOString();
  const files = [{ name: 'base.tar.zst', bytes, sha256: '' }];
  return {
    ...{ id: `base-${days}`, epoch, started, files },
    parent: parent === null ? null : `base-${parent}`,
  } as BaseManifest;
}

const choose = (bases: BaseManifest[], bytes = 8 * MEGABYTE, epoch = '7-1') =>
  chooseParent({ bases, epoch, bytes, now: NOW, fullBelowMegabytes: 8 })?.id ?? null;

describe('what a base backup is the difference to', () => {
  const week = [base(6, null, { bytes: 100 }), ...[5, 4, 3, 2, 1].map((days) => base(days, days + 1))];

  it('is the newest one', () => {
    expect(choose([base(1, null, { bytes: 100 })])).to.equal('base-1');
    expect(choose(week)).to.equal('base-1');
  });

  it('is nothing in a small cluster', () => {
    expect(choose(week, 8 * MEGABYTE - 1)).to.equal(null);
  });

  // Broken: the age of the newest one looked at.
  it('is nothing a week after the full one, or with a full one from after the clock', () => {
    expect(choose([base(7, null, { bytes: 100 }), base(1, 7)])).to.equal(null);
    expect(choose([base(-1, null)])).to.equal(null);
  });

  it('is nothing when the differences are bigger than the full one', () => {
    expect(choose([base(3, null, { bytes: 100 }), base(2, 3, { bytes: 60 })])).to.equal('base-2');
    const big = [2, 1].map((days) => base(days, days + 1, { bytes: 60 }));
    expect(choose([base(3, null, { bytes: 100 }), ...big])).to.equal(null);
  });

  it('is nothing in a new stretch of WAL, and nothing of another one', () => {
    expect(choose(week, 8 * MEGABYTE, '7-2')).to.equal(null);
    expect(choose([...week, base(0.5, null, { epoch: '7-2' })])).to.equal('base-1');
    expect(choose([])).to.equal(null);
  });
});
