import { expect } from 'chai';
import { describeChanges, findEdited, parseChanges } from '../../src/plan/checkout.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const NONE = '0'.repeat(40);

describe('a move of the checkout', () => {
  const raw = [
    `:100644 100644 ${A} ${B} M\0nginx/a file.conf\0`,
    `:100644 000000 ${A} ${NONE} D\0compose/gone.yml\0`,
    `:000000 100755 ${NONE} ${B} A\0ops/new\nline\0`,
  ].join('');
  const changes = parseChanges(raw);

  it('reads what git says of two commits', () => {
    expect(changes).to.deep.equal([
      { path: 'nginx/a file.conf', before: A, after: B },
      { path: 'compose/gone.yml', before: A, after: null },
      { path: 'ops/new\nline', before: null, after: B },
    ]);
    expect(parseChanges('')).to.deep.equal([]);
  });

  it('has only those files in its way that are neither as they were nor as they will be', () => {
    const edited = (...hashes: (string | null)[]) =>
      findEdited(changes, new Map(changes.map(({ path }, index) => [path, hashes[index] ?? null])));
    expect(edited(A, A, null), 'as they were').to.deep.equal([]);
    expect(edited(B, null, B), 'as they will be').to.deep.equal([]);
    expect(edited(C, A, null), 'edited').to.deep.equal(['nginx/a file.conf']);
    expect(edited(A, C, null), 'edited, and to be removed').to.deep.equal(['compose/gone.yml']);
    expect(edited(A, A, C), 'in the place of a new one').to.deep.equal(['ops/new\nline']);
    expect(edited(null, null, null), 'removed here, and different').to.deep.equal(['nginx/a file.conf']);
  });

  it('names the files that matter while the site runs', () => {
    expect(describeChanges(changes)).to.equal('3 files, of them nginx/a file.conf, compose/gone.yml');
    expect(describeChanges(changes.slice(2))).to.equal('1 files, none of compose/ or nginx/');
    expect(describeChanges([])).to.equal('no file differs');
  });
});
