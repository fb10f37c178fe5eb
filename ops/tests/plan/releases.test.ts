import { expect } from 'chai';
import {
  findPreviousRelease,
  findPrunable,
  type LedgerEntry,
  listReleases,
} from '../../src/plan/releases.ts';

const entry = (
  tag: string,
  result: LedgerEntry['result'] = 'done',
  what: LedgerEntry['what'] = 'deploy',
): LedgerEntry => ({
  ...{ what, tag, result, started: '2026-11-24T05:00:00.000Z', seconds: 9.94, by: 'root' },
  ...(result === 'done' ? {} : { why: 'the new api crashed' }),
});
const back = (tag: string) => entry(tag, 'done', 'rollback');

describe('findPreviousRelease', () => {
  const cases: [what: string, ledger: LedgerEntry[], current: string, expected: string | null][] = [
    ['the one before', [entry('v1'), entry('v2')], 'v2', 'v1'],
    [
      'passing over bad ones and repeats',
      [entry('v1'), entry('v2'), entry('v3', 'undone'), entry('v2')],
      'v2',
      'v1',
    ],
    ['nothing before the first', [entry('v1')], 'v1', null],
    // Not v3 again: that is what the first rollback fled from.
    ['a second rollback goes further back', [entry('v1'), entry('v2'), entry('v3'), back('v2')], 'v2', 'v1'],
    [
      'a deploy after a rollback begins anew there',
      [entry('v1'), entry('v2'), back('v1'), entry('v3')],
      'v3',
      'v1',
    ],
    ['a rollback over several', [entry('v1'), entry('v2'), entry('v3'), back('v1')], 'v1', null],
    ['a rollback to one never deployed here', [entry('v1'), back('v0')], 'v0', 'v1'],
    ['a current one that the ledger does not know', [entry('v1')], 'v9', 'v1'],
  ];
  for (const [what, ledger, current, expected] of cases)
    it(what, () => expect(findPreviousRelease(ledger, current)).to.equal(expected));

  it('goes back to what .env names when a deploy was killed', () => {
    const ledger = [entry('v1'), entry('v2')];
    expect(findPreviousRelease(ledger, 'v2', 'v3')).to.equal('v2');
    expect(findPreviousRelease(ledger, 'v2', 'v2'), 'killed after it was written down').to.equal('v1');
  });
});

describe('listReleases', () => {
  it('lists newest first, marks the current one once and says why one was undone', () => {
    const rows = listReleases([entry('v1'), entry('v1'), entry('v2', 'undone')], 'v1');
    expect(rows.map((row) => row[0])).to.deep.equal(['v2', 'v1', 'v1']);
    expect(rows.map((row) => row.at(-1))).to.deep.equal(['', 'current', '']);
    expect(rows[0]).to.include('undone: the new api crashed').and.include('9.9 s');
  });
});

describe('findPrunable', () => {
  const ledger = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7'].map((tag) => entry(tag));
  const local = ['v7', 'v6', 'v5', 'v4', 'v3', 'v2', 'v1'];

  it('keeps the last five and removes older ones', () => {
    expect(findPrunable(ledger, local, ['v7', 'v6'], 5)).to.deep.equal(['v2', 'v1']);
  });

  it('keeps what runs, however old, and counts a release by its last deploy', () => {
    expect(findPrunable([...ledger, back('v1')], local, ['v1', 'v7'], 5)).to.deep.equal(['v3', 'v2']);
  });

  it('never touches an image that was not deployed here: somebody may be about to', () => {
    expect(findPrunable(ledger, ['v8', 'nightly', ...local], ['v7'], 5)).to.not.include.members([
      'v8',
      'nightly',
    ]);
  });

  it('bad releases push no good one out', () => {
    const bad = ['b1', 'b2', 'b3', 'b4', 'b5'].map((tag) => entry(tag, 'undone'));
    const kept = findPrunable([...ledger, ...bad], [...local, 'b1', 'b5'], ['v7'], 5);
    expect(kept).to.deep.equal(['v2', 'v1']);
  });
});
