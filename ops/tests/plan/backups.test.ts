import { expect } from 'chai';
import {
  compareTables,
  findDump,
  findShortage,
  formatBackupId,
  formatDatabaseName,
  type Manifest,
  parseManifest,
  sortNewestFirst,
} from '../../src/plan/backups.ts';

// In a zone east of UTC, where local and UTC date differ.
const time = new Date('2026-11-24T03:15:30.123+03:30');

const manifest = (over: Partial<Manifest> = {}): Manifest => ({
  format: 1,
  id: '20261123T234530Z-before-v1.3.0',
  time: '2026-11-23T23:45:30.123Z',
  release: 'v1.2.0',
  reason: 'before-v1.3.0',
  database: { name: 'atlas', bytes: 7_602_703 },
  migrations: ['1_init.ts', '2_admin.ts'],
  postgres: {
    version: '17.12 (Debian 17.12-0+deb13u1)',
    image: 'atlas-base/postgres:17.12',
    imageId: `sha256:${'ab'.repeat(32)}`,
  },
  media: { storage: 'local', files: 3, bytes: 12_345 },
  files: [{ name: 'database.dump', bytes: 1064, sha256: 'c3'.repeat(32) }],
  tables: [{ name: 'public.salons', rows: 2, sum: '-12345678901234567890123' }],
  seconds: 6.028,
  verified: '2026-11-23T23:45:36.151Z',
  ...over,
});

describe('the name of a backup', () => {
  for (const [reason, expected] of [
    ['before-v1.3.0', 'before-v1.3.0'],
    ['before-local-a49cbb2bae54', 'before-local-a49cbb2bae54'],
    ['nightly', 'nightly'],
    ['', 'unnamed'],
    ['../../etc', 'etc'],
    ['a/b\\c d\n$(e)', 'a-b-c-d-e'],
    ['--.hidden.', 'hidden'],
    ['é', 'unnamed'],
    ['x'.repeat(300), 'x'.repeat(100)],
  ] as const)
    it(`is UTC and "${expected.slice(0, 30)}" for ${JSON.stringify(reason.slice(0, 30))}`, () => {
      const id = formatBackupId(time, reason);
      expect(id).to.equal(`20261123T234530Z-${expected}`);
      expect(parseManifest(JSON.stringify(manifest({ id })), id), 'is found again').not.to.equal(null);
    });

  it('of a database needs no quotes in SQL', () => {
    expect(formatDatabaseName('restore', time)).to.equal('atlas_restore_20261123t234530z');
    expect(formatDatabaseName('before', time)).to.equal('atlas_before_20261123t234530z');
  });
});

describe('a manifest', () => {
  const { id } = manifest();
  const [file] = manifest().files;
  const [table] = manifest().tables;

  it('is read as it was written', () => {
    expect(parseManifest(JSON.stringify(manifest(), null, 2), id)).to.deep.equal(manifest());
    const empty = manifest({ release: '', migrations: [], tables: [] });
    expect(parseManifest(JSON.stringify(empty), id)).to.deep.equal(empty);
  });

  // Every one differs from the valid one in one thing only.
  const REFUSED: [why: string, over: Record<string, unknown>][] = [
    ['of another format', { format: 2 }],
    ['of no format', { format: undefined }],
    ['of another directory', { id: '20261123T234531Z-before-v1.3.0' }],
    ['without a time', { time: 'yesterday' }],
    ['with a time of no zone', { time: '2026-11-23T23:45:30.123' }],
    ['with a time that is a number', { time: 1 }],
    ['without a reason', { reason: null }],
    ['of another database', { database: { name: 'other', bytes: 1 } }],
    ['without the size of the database', { database: { name: 'atlas' } }],
    ['with migrations that are no list', { migrations: 'init' }],
    ['with a migration that is no name', { migrations: [1] }],
    ['without a version of postgres', { postgres: { image: 'x', imageId: 'y' } }],
    ['without a word about media', { media: undefined }],
    ['with media of an unknown kind', { media: { storage: 'tape' } }],
    ['that was never read back', { verified: '' }],
    ['without a dump', { files: [{ ...file, name: 'base.tar.zst' }] }],
    ['with a file outside of it', { files: [file, { ...file, name: '../passwd' }] }],
    ['with a hidden file', { files: [file, { ...file, name: '.env' }] }],
    ['with a size below zero', { files: [{ ...file, bytes: -1 }] }],
    ['with half a SHA-256', { files: [{ ...file, sha256: 'c3'.repeat(16) }] }],
    ['with a sum that is a number', { tables: [{ ...table, sum: 12 }] }],
    ['with rows that are text', { tables: [{ ...table, rows: '2' }] }],
    ['without fingerprints', { tables: undefined }],
    ['that took no time', { seconds: null }],
  ];
  for (const [why, over] of REFUSED)
    it(`${why} is none`, () => {
      expect(parseManifest(JSON.stringify({ ...manifest(), ...over }), id)).to.equal(null);
    });

  const text = JSON.stringify(manifest());
  for (const json of ['', 'null', '[]', '"x"', text.slice(0, -1), text.slice(0, 200)])
    it(`that is ${JSON.stringify(json.slice(0, 9))} with ${json.length} characters is none`, () => {
      expect(parseManifest(json, id)).to.equal(null);
    });
});

describe('the dump to go back to', () => {
  const dump = (minute: number, reason: string, ...migrations: string[]) => {
    const at = new Date(Date.UTC(2026, 10, 24, 7, minute));
    return manifest({ id: formatBackupId(at, reason), time: at.toISOString(), reason, migrations });
  };
  const first = dump(1, 'before-v2', 'a');
  const second = dump(2, 'before-v3', 'a', 'b');
  const nightly = dump(3, 'nightly', 'a');
  const CASES: [why: string, dumps: Manifest[], known: string[], expected: Manifest | null][] = [
    ['is the newest whose migrations are all known', [first, second], ['a', 'b', 'c'], second],
    ['is the newest in any order', [second, first], ['a', 'b'], second],
    ['has no migration the release does not know', [second, first], ['a'], first],
    ['is none of the nightly ones', [nightly, first], ['a'], first],
    ['may be of an empty schema', [dump(5, 'before-v1')], [], dump(5, 'before-v1')],
    ['is none when each has an unknown migration', [second, first], ['b'], null],
    ['is none when there is none', [], ['a'], null],
  ];
  for (const [why, dumps, known, expected] of CASES)
    it(why, () => {
      expect(findDump(dumps, known)).to.deep.equal(expected);
    });

  it('comes from a list by the time in the manifest, not by name', () => {
    const odd = { ...first, id: '20991231T000000Z-x', time: '2020-01-01T00:00:00Z' };
    expect(sortNewestFirst([odd, first, second])).to.deep.equal([second, first, odd]);
  });
});

describe('room on the disk', () => {
  for (const [free, database, shortage] of [
    [600_000_000, 100_000_000, 0],
    [599_999_999, 100_000_000, 1],
    [0, 0, 500_000_000],
    [1e15, 7_000_000, 0],
  ] as const)
    it(`${free} bytes for a database of ${database} lacks ${shortage}`, () => {
      expect(findShortage(free, database)).to.equal(shortage);
    });
});

describe('two sets of fingerprints', () => {
  const table = (name: string, rows: number, sum: string) => ({ name, rows, sum });
  const salons = table('public.salons', 2, '10');
  for (const [why, dumped, restored, lines] of [
    ['are equal in any order', [salons, table('b', 0, '0')], [table('b', 0, '0'), salons], []],
    [
      'differ by rows',
      [salons],
      [table('public.salons', 3, '10')],
      ['public.salons: dumped 2 rows, sum 10; restored 3 rows, sum 10'],
    ],
    [
      'differ by content',
      [salons],
      [table('public.salons', 2, '11')],
      ['public.salons: dumped 2 rows, sum 10; restored 2 rows, sum 11'],
    ],
    [
      'differ by a table that is missing',
      [salons],
      [],
      ['public.salons: dumped 2 rows, sum 10; restored no such table'],
    ],
    [
      'differ by a table that is new',
      [],
      [salons],
      ['public.salons: dumped no such table; restored 2 rows, sum 10'],
    ],
  ] as const)
    it(why, () => {
      expect(compareTables(dumped, restored)).to.deep.equal(lines);
    });
});
