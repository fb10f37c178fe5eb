import { expect } from 'chai';
import { compareSchema, findBlocking, formatMigrations, NOTHING, planDown } from '../../src/plan/schema.ts';

const list = (...names: string[]) =>
  names.map((name) => ({ name: name.replace('!', ''), breaking: name.endsWith('!') }));
const names = (migrations: { name: string }[]) => migrations.map((one) => one.name);

describe('compareSchema', () => {
  it('tells what is pending from what the image does not know', () => {
    const { pending, ahead } = compareSchema(list('1', '2', '4'), list('1', '3!'));
    expect(names(pending)).to.deep.equal(['2', '4']);
    expect(names(ahead)).to.deep.equal(['3']);
  });

  it('has nothing to say about equal lists and an empty database', () => {
    expect(compareSchema(list('1'), list('1'))).to.deep.equal({ pending: [], ahead: [] });
    expect(names(compareSchema(list('1', '2'), []).pending)).to.deep.equal(['1', '2']);
  });

  it('lets only marked migrations stand in the way', () => {
    expect(names(findBlocking(compareSchema(list('1'), list('1', '2', '3!'))))).to.deep.equal(['3']);
    expect(findBlocking(compareSchema(list('1', '3!'), list('1', '3!')))).to.deep.equal([]);
  });
});

describe('planDown', () => {
  const cases: [what: string, image: string[], database: string[], expected: ReturnType<typeof planDown>][] =
    [
      ['nothing to undo', ['1', '2'], ['1', '2'], null],
      ['the last two, newest first', ['1'], ['1', '2', '3!'], { to: '1', undone: ['3', '2'] }],
      ['everything', [], ['1', '2'], { to: NOTHING, undone: ['2', '1'] }],
      // 3 is known to the image: its own `up` brings it back afterwards.
      ['through a known one', ['1', '3'], ['1', '2', '3'], { to: '1', undone: ['3', '2'] }],
    ];
  for (const [what, image, database, expected] of cases)
    it(what, () => expect(planDown(list(...image), list(...database))).to.deep.equal(expected));
});

describe('formatMigrations', () => {
  it('names marked ones as such', () => {
    expect(formatMigrations(list('1', '2!'))).to.equal('1, 2 (marked breaking)');
  });
});
