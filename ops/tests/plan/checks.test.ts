import { expect } from 'chai';
import { checkClock, checkDns, checkMemory, toCheck } from '../../src/plan/checks.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const clock = (more: Partial<Parameters<typeof checkClock>[0]>) =>
  checkClock({ newest: null, synchronized: false, elsewhere: null, ...more }, NOW).result;
const OWN = ['192.0.2.1', '::1'];

// Broken, case by case: unknown taken for pass; the sign of a difference minded; NTP believed against what the ledger has seen.
describe('the checks of doctor', () => {
  const CASES: [what: string, result: string, expected: string][] = [
    ['a clock that nobody vouches for', clock({}), 'unknown'],
    ['a clock kept by NTP', clock({ synchronized: true }), 'pass'],
    ['a clock that agrees with another one', clock({ elsewhere: NOW - 59_000 }), 'pass'],
    ['a clock that is behind', clock({ elsewhere: NOW + 61_000, synchronized: true }), 'fail'],
    ['a clock that is ahead', clock({ elsewhere: NOW - 61_000 }), 'fail'],
    [
      'a clock behind what the ledger has seen',
      clock({ newest: '2026-11-24T12:02:00Z', synchronized: true, elsewhere: NOW }),
      'fail',
    ],
    ['enough memory', checkMemory({ available: 3e8, total: 1e9 }).result, 'pass'],
    ['little memory', checkMemory({ available: 1e8, total: 1e9 }).result, 'fail'],
    ['memory that nobody tells', checkMemory(null).result, 'unknown'],
    ['no name to look up', checkDns({}, OWN).result, 'pass'],
    ['a name that leads here', checkDns({ 'a.test': ['198.51.100.1', '192.0.2.1'] }, OWN).result, 'pass'],
    ['a name that leads elsewhere', checkDns({ 'a.test': ['198.51.100.1'] }, OWN).result, 'unknown'],
    [
      'a name without an address',
      checkDns({ 'a.test': ['192.0.2.1'], 'b.test': 'none' }, OWN).result,
      'fail',
    ],
    ['a name that nobody answers for', checkDns({ 'a.test': null }, OWN).result, 'unknown'],
  ];
  for (const [what, result, expected] of CASES)
    it(`${what}: ${expected}`, () => expect(result).to.equal(expected));

  it('take over what alerts are about, with what to do unless it is well', () => {
    const condition = { key: 'disk', name: 'disk', title: 'full', next: 'df', graceSeconds: 0 };
    expect(toCheck({ ...condition, state: 'wrong' })).to.deep.equal({
      ...{ name: 'disk', result: 'fail', detail: 'full', next: 'df' },
    });
    expect(toCheck({ ...condition, state: 'unknown' })).to.include({ result: 'unknown', next: 'df' });
    expect(toCheck({ ...condition, state: 'well' })).to.include({ result: 'pass', next: '' });
  });
});
