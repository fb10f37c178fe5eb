// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { expect } from 'chai';
import type { Epoch } from '../../src/plan/wal.ts';
import { judgeWal, type WalFacts, type WalState } from '../../src/plan/wal-health.ts';

const NOW = '2026-11-28T06:00:30.000Z';
const STATE: WalState = {
  ...{ at: '2026-11-28T06:00:28Z', epoch: '71-00000001', system: '71', timeline: 1, receiving: true },
  ...{ heartbeat: '2026-11-28T06:00:25.500Z', flushedLsn: '0/3000000', error: null },
};
const EPOCH: Epoch = {
  ...{ name: '71-00000001', system: '71', timeline: 1, started: '2026-11-28T05:00:00Z' },
  ...{ reason: 'first', startLsn: '0/1000000', previous: null },
};
const LOST: Epoch = { ...EPOCH, name: '71-00000001-2', reason: 'slot-lost', previous: EPOCH.name };
const GOOD: WalFacts = {
  ...{ container: 'healthy', hasPostgres: true, state: STATE, epoch: EPOCH, isBased: false, now: NOW },
};

describe('judgeWal', () => {
  const cases: [string, Partial<WalFacts>, string, RegExp][] = [
    ['a fresh heartbeat', {}, 'well', /^what was committed until 2026-11-28 06:00:25 UTC is received$/],
    // Broken: wrong as soon as there is an error.
    [
      'a receiver that has just been killed',
      { state: { ...STATE, receiving: false, error: 'pg_receivewal ended (137): ' } },
      'well',
      /is received: pg_receivewal ended/,
    ],
    // Broken: the heartbeat's age not looked at.
    [
      'a heartbeat that does not arrive, and why',
      { state: { ...STATE, heartbeat: '2026-11-28T06:00:03Z', error: 'No space left on device' } },
      'wrong',
      /^what is committed since 2026-11-28 06:00:03 UTC is not received: No space left on device$/,
    ],
    ['none since the start', { state: { ...STATE, heartbeat: null } }, 'wrong', /^what is committed is not/],
    // Broken: the state's own age not looked at.
    [
      'a supervisor that hangs',
      { state: { ...STATE, at: '2026-11-28T06:00:03Z', heartbeat: NOW } },
      'wrong',
      /^wal is healthy and has told nothing since 2026-11-28 06:00:03 UTC$/,
    ],
    ['a state without sense', { state: { ...STATE, at: 'x' } }, 'wrong', /has told nothing/],
    ['no container any more', { container: null, now: '2026-11-28T06:01:00Z' }, 'wrong', /^wal is not there/],
    ['a container that has not said a word', { state: null }, 'wrong', /has told nothing yet$/],
    // Broken: without the look at the base backups.
    [
      'a slot that was lost',
      { epoch: LOST },
      'wrong',
      /^WAL from before 2026-11-28 05:00:00 UTC is missing, and no base backup/,
    ],
    ['the same with a base backup since', { epoch: LOST, isBased: true }, 'well', /is received/],
    ['a new timeline', { epoch: { ...LOST, reason: 'new-timeline' } }, 'well', /is received/],
  ];
  for (const [what, more, state, title] of cases)
    it(`${what}: ${state}`, () => {
      const found = judgeWal({ ...GOOD, ...more });
      expect(found).to.include({ key: 'wal', state, graceSeconds: 0 });
      expect(found.title).to.match(title);
    });

  it('what has an incident of its own, or was never there, is not measured', () => {
    const away = { state: 'unknown', isExplained: true };
    expect(judgeWal(null)).to.include(away);
    expect(judgeWal({ ...GOOD, hasPostgres: false, state: null })).to.include(away);
    expect(judgeWal({ ...GOOD, container: null, state: null })).to.include(away);
  });
});
