import { expect } from 'chai';
import type { MediaFile } from '../../src/plan/backups.ts';
import {
  formatMediaLine,
  isKept,
  mergeMedia,
  parseMediaLine,
  sortByPath,
} from '../../src/plan/media-files.ts';

const photo = (path: string, over: Partial<MediaFile> = {}): MediaFile => ({
  path,
  bytes: 12,
  mtime: 1_764_290_000_123,
  sha256: 'ab'.repeat(32),
  ...over,
});

describe('a list of photos', () => {
  it('is the union of two passes, and the second knows better', () => {
    const first = [photo('a'), photo('gone since')];
    const second = [photo('a', { bytes: 13 }), photo('new')];
    expect(mergeMedia(first, second)).to.have.deep.members([second[0], first[1], second[1]]);
  });

  it('is sorted by code units', () => {
    const sorted = ['B', 'a', 'a/b', 'ab', 'é'].map((path) => photo(path));
    expect(sortByPath(sorted.toReversed())).to.deep.equal(sorted);
  });

  for (const path of ['variants/3f/a b.webp', 'line\nbreak', 'line\u2028separator', 'é/ü', '..a/.b', '"\\'])
    it(`keeps ${JSON.stringify(path)} on one line`, () => {
      const line = formatMediaLine(photo(path));
      expect(line).to.not.include('\n');
      expect(parseMediaLine(line)).to.deep.equal(photo(path));
    });

  for (const path of ['/etc/passwd', '../x', 'a/../../x', 'a/..', './a', 'a//b', 'a/', '', 'a\0b'])
    it(`refuses the path ${JSON.stringify(path)}`, () => {
      expect(parseMediaLine(JSON.stringify(photo(path)))).to.equal(null);
    });

  for (const [what, over] of Object.entries({
    'a size below 0': { bytes: -1 },
    'half a byte': { bytes: 0.5 },
    'a size as text': { bytes: '12' },
    'a time that is none': { mtime: null },
    'a hash in capitals': { sha256: 'AB'.repeat(32) },
    'a hash that is a path': { sha256: `../${'a'.repeat(61)}` },
    'a hash too short': { sha256: 'ab' },
    'no hash': { sha256: undefined },
  }))
    it(`refuses ${what}`, () => {
      expect(parseMediaLine(JSON.stringify({ ...photo('a'), ...over }))).to.equal(null);
    });

  for (const line of ['', '{', 'null', '[]', '1', formatMediaLine(photo('a')).slice(0, -1)])
    it(`refuses the line ${JSON.stringify(line)}`, () => {
      expect(parseMediaLine(line)).to.equal(null);
    });

  it('leaves out what the service has not finished and what a restore put aside', () => {
    const names = ['originals', 'tmp', 'variants', '.before-20261124T071530Z'];
    expect(names.filter(isKept)).to.deep.equal(['originals', 'variants']);
  });
});
