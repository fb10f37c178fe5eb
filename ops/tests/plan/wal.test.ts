import { expect } from 'chai';
import {
  findWalPath,
  formatLsn,
  formatSegment,
  parseHistory,
  parseLsn,
  parseSegment,
  parseWalFile,
  segmentOf,
  type WalFile,
} from '../../src/plan/wal.ts';

const file = (segment: string, kind: WalFile['kind'] = 'compressed', epoch = 'e1'): WalFile => ({
  epoch,
  segment,
  kind,
});
const segment = (timeline: number, number: number) => formatSegment({ timeline, number: BigInt(number) });
const only = { timeline: 1, ancestors: [] };
const at = (number: number) => BigInt(number) * 16n * 1024n * 1024n + 40n;

describe('positions and segments', () => {
  for (const text of ['0/0', '0/16B3748', '1/0', 'FFFFFFFF/FFFFFFFF'])
    it(`${text} is read and written`, () => expect(formatLsn(parseLsn(text))).to.equal(text));

  it('refuses what is no position', () => {
    for (const text of ['', '16B3748', '0/', '0/G', '0/123456789'])
      expect(() => parseLsn(text), text).to.throw(RangeError);
  });

  it('names segments as postgres does', () => {
    // https://www.postgresql.org/docs/17/wal-internals.html
    expect(formatSegment({ timeline: 1, number: segmentOf(parseLsn('0/16B3748')) })).to.equal(
      '000000010000000000000001',
    );
    expect(formatSegment({ timeline: 17, number: segmentOf(parseLsn('2/FF000000')) })).to.equal(
      '0000001100000002000000FF',
    );
    expect(parseSegment('0000001100000002000000FF')).to.deep.equal({
      timeline: 17,
      number: segmentOf(parseLsn('2/FF000000')),
    });
    expect(parseSegment('00000002.history')).to.equal(null);
  });

  it('knows what lies in an epoch', () => {
    expect(parseWalFile('e', '000000010000000000000001.zst')?.kind).to.equal('compressed');
    expect(parseWalFile('e', '000000010000000000000001')?.kind).to.equal('plain');
    expect(parseWalFile('e', '000000010000000000000001.partial')?.kind).to.equal('partial');
    for (const name of ['SHA256SUMS', 'epoch.json', '00000002.history', '000000010000000000000001.zst.new'])
      expect(parseWalFile('e', name), name).to.equal(null);
  });

  it('reads a history file', () => {
    const text =
      '1\t0/5000A98\tno recovery target specified\n\n2\t0/7000000\tbefore 2026-11-28 06:14:38+00\n';
    expect(parseHistory(text)).to.deep.equal([
      { timeline: 1, end: parseLsn('0/5000A98') },
      { timeline: 2, end: parseLsn('0/7000000') },
    ]);
  });
});

describe('findWalPath', () => {
  const names = (found: ReturnType<typeof findWalPath>) => found.files.map((one) => one.segment);

  it('goes from the segment of the position to the last one', () => {
    const files = [1, 2, 3, 4].map((number) =>
      file(segment(1, number), number === 4 ? 'partial' : 'compressed'),
    );
    const found = findWalPath(at(2), only, files);
    expect(names(found)).to.deep.equal([segment(1, 2), segment(1, 3), segment(1, 4)]);
    expect(found.missing).to.equal(null);
  });

  // Broken: missing is null always.
  it('names the first that is missing in the middle', () => {
    const files = [2, 3, 5, 6].map((number) => file(segment(1, number)));
    const found = findWalPath(at(2), only, files);
    expect(found.missing).to.equal(segment(1, 4));
    expect(names(found)).to.deep.equal([segment(1, 2), segment(1, 3)]);
  });

  it('names the very first when that one is missing', () => {
    expect(findWalPath(at(2), only, [file(segment(1, 3))]).missing).to.equal(segment(1, 2));
  });

  it('prefers what is complete to what was being received', () => {
    const files = [file(segment(1, 2), 'partial', 'e1'), file(segment(1, 2), 'compressed', 'e2')];
    expect(findWalPath(at(2), only, files).files).to.deep.equal([file(segment(1, 2), 'compressed', 'e2')]);
  });

  const forked = { timeline: 2, ancestors: [{ timeline: 1, end: at(4) }] };

  it('changes to the new timeline where it begins, and not to what the old one wrote after that', () => {
    const files = [2, 3, 4, 5, 6].map((number) => file(segment(1, number)));
    files.push(...[4, 5].map((number) => file(segment(2, number), 'compressed', 'e2')));
    const found = findWalPath(at(2), forked, files);
    expect(names(found)).to.deep.equal([segment(1, 2), segment(1, 3), segment(2, 4), segment(2, 5)]);
    expect(found.missing).to.equal(null);
  });

  it('stays on an old timeline that is asked for', () => {
    const files = [2, 3, 4, 5].map((number) => file(segment(1, number)));
    files.push(file(segment(2, 4), 'compressed', 'e2'));
    expect(names(findWalPath(at(2), only, files)).at(-1)).to.equal(segment(1, 5));
  });

  it('does not take the old timeline for a segment that the new one lacks', () => {
    const files = [2, 3, 4, 5].map((number) => file(segment(1, number)));
    files.push(...[4, 6].map((number) => file(segment(2, number), 'compressed', 'e2')));
    expect(findWalPath(at(2), forked, files).missing).to.equal(segment(2, 5));
  });
});
