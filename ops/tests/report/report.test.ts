import { expect } from 'chai';
import { EXIT, Failure, formatFailure } from '../../src/report/failure.ts';
import { formatAge, formatBytes, formatTable } from '../../src/report/table.ts';

describe('formatFailure', () => {
  it('says what failed, the command, the last lines, the state now and what to type next', () => {
    const failure = new Failure('the migration failed', {
      command: 'docker compose run migrate',
      log: 'one\ntwo\n',
      state: 'release v1 goes on running',
      next: 'make deploy',
    });
    expect(formatFailure(failure)).to.equal(
      [
        'error: the migration failed',
        '  command: docker compose run migrate',
        '  last lines:',
        '    one',
        '    two',
        '  state: release v1 goes on running',
        '  next: make deploy',
      ].join('\n'),
    );
    expect(failure.exitCode).to.equal(EXIT.failed);
  });
});

describe('tables and units', () => {
  it('lines columns up without trailing blanks', () => {
    expect(
      formatTable([
        ['a', 'bb'],
        ['ccc', 'd'],
      ]),
    ).to.equal('a    bb\nccc  d');
  });

  it('chooses units a person would', () => {
    expect(formatBytes(999)).to.equal('999 B');
    expect(formatBytes(3_400_000)).to.equal('3.4 MB');
    expect(formatBytes(71_000_000_000)).to.equal('71 GB');
    expect(formatAge(42)).to.equal('42 s');
    expect(formatAge(3600 * 5)).to.equal('5 h');
  });
});
