import { expect } from 'chai';
import type { BaseManifest } from '../../src/plan/bases.ts';
import {
  chainOf,
  chooseBase,
  describePast,
  describeRows,
  isOfLineage,
  parseMoment,
  recoverySettings,
  TooEarlyError,
} from '../../src/plan/restore-at.ts';
import { parseLsn } from '../../src/plan/wal.ts';

const base = (id: string, changes: Partial<BaseManifest> = {}): BaseManifest => ({
  ...{ format: 1, kind: 'base', id, system: '7', epoch: '7-00000001', timeline: 1 },
  ...{ startLsn: '0/2000028', endLsn: '0/2000120', started: '', ended: `2026-11-${id}T03:30:00.000Z` },
  ...{ parent: null, bytes: 1, postgres: { version: '17', image: '', imageId: '' }, files: [] },
  ...{ seconds: 1, verified: '' },
  ...changes,
});
const lineage = { system: '7', timeline: 1, ancestors: [] };
const time = (at: string) => ({ kind: 'time' as const, at });

describe('parseMoment', () => {
  for (const [text, expected] of [
    ['2026-11-23 14:05:00Z', '2026-11-23T14:05:00.000Z'],
    ['2026-11-23T14:05:00.250Z', '2026-11-23T14:05:00.250Z'],
    ['2026-11-23 14:05 UTC', '2026-11-23T14:05:00.000Z'],
    ['2026-11-23 14:05:00+03:30', '2026-11-23T10:35:00.000Z'],
    ['2026-11-23 14:05:00-05', '2026-11-23T19:05:00.000Z'],
    ['2026-11-23 14:05:00+0330', '2026-11-23T10:35:00.000Z'],
  ] as const)
    it(`${text} is ${expected}`, () => expect(parseMoment(text)).to.equal(expected));

  it('takes what has no zone for the time of this machine', () => {
    expect(parseMoment('2026-11-23 14:05:00')).to.equal(new Date('2026-11-23T14:05:00').toISOString());
  });

  for (const text of [
    '',
    'yesterday',
    '2026-11-23',
    '2026-02-30 10:00:00Z',
    '2026-13-01 10:00:00Z',
    '2026-11-23 25:00:00Z',
    "2026-11-23 14:05:00Z'; drop",
  ])
    it(`"${text}" is no moment`, () => expect(parseMoment(text)).to.equal(null));
});

describe('chooseBase', () => {
  const bases = ['21', '22', '23'].map((day) => base(day));

  it('is the newest that ended before the target', () => {
    expect(chooseBase(bases, lineage, time('2026-11-22T12:00:00.000Z')).id).to.equal('22');
    expect(chooseBase(bases, lineage, { kind: 'latest' }).id).to.equal('23');
  });

  // Postgres does not refuse it: it would end at the base's end without a word.
  it('refuses a target before the oldest, and names the earliest moment', () => {
    expect(() => chooseBase(bases, lineage, time('2026-11-21T03:29:59.999Z')))
      .to.throw(TooEarlyError)
      .with.property('earliest', '2026-11-21T03:30:00.000Z');
    expect(() => chooseBase([], lineage, { kind: 'latest' })).to.throw(TooEarlyError, 'no base backup');
  });

  it('goes by the position for a restore point', () => {
    const later = base('22', { endLsn: '0/5000000' });
    const point = {
      name: 'p',
      label: 'p',
      system: '7',
      timeline: 1,
      lsn: '0/4000000',
      time: '2026-11-23T00:00:00Z',
    };
    expect(chooseBase([base('21'), later], lineage, { kind: 'point', point }).id).to.equal('21');
  });

  it('takes none of another cluster, nor of a timeline that was left before it', () => {
    const second = { system: '7', timeline: 2, ancestors: [{ timeline: 1, end: parseLsn('0/3000000') }] };
    expect(isOfLineage(base('21'), second)).to.equal(true);
    expect(isOfLineage(base('21', { endLsn: '0/3000001' }), second), 'of the abandoned part').to.equal(false);
    expect(isOfLineage(base('21', { system: '8' }), second)).to.equal(false);
    expect(isOfLineage(base('21', { timeline: 3 }), second)).to.equal(false);
  });
});

describe('chainOf', () => {
  it('is the full one first', () => {
    const all = [base('21'), base('22', { parent: '21' }), base('23', { parent: '22' })];
    expect(chainOf(all[2] as BaseManifest, all).map(({ id }) => id)).to.deep.equal(['21', '22', '23']);
  });

  it('names what is missing', () => {
    expect(() => chainOf(base('23', { parent: '22' }), [])).to.throw('23 is the difference to 22');
  });
});

describe('recoverySettings', () => {
  it('ends at a moment, in a form that postgres takes', () => {
    expect(recoverySettings(time('2026-11-22T12:00:00.000Z'), 3)).to.deep.equal([
      'recovery_target_timeline=3',
      'recovery_target_time=2026-11-22T12:00:00.000+00',
      'recovery_target_action=promote',
    ]);
  });

  it('goes to the end for the latest', () => {
    expect(recoverySettings({ kind: 'latest' }, 1)).to.deep.equal(['recovery_target_timeline=1']);
  });
});

describe('describeRows', () => {
  it('tells of tables whose number of rows changes, and of no others', () => {
    expect(
      describeRows([
        { table: 'a', present: 5, past: 5, estimated: false },
        { table: 'b', present: 5, past: 8, estimated: false },
        { table: 'c', present: null, past: 2, estimated: false },
        { table: 'd', present: 1, past: null, estimated: false },
      ]),
    ).to.deep.equal([
      ['b', '5 now', '8 then', '+3'],
      ['c', 'no such table now', '2 then', '+2'],
      ['d', '1 now', 'no such table then', '-1'],
    ]);
  });
});

describe('describePast', () => {
  it('tells what every table has, and which of it nobody has counted', () => {
    expect(
      describePast([
        { table: 'a', present: null, past: 5, estimated: false },
        { table: 'b', present: null, past: 4_000_000, estimated: true },
      ]),
    ).to.deep.equal([
      ['a', '5 rows'],
      ['b', 'about 4000000 rows'],
    ]);
  });
});
