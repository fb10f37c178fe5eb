import { expect } from 'chai';
import { chooseTables, findRows, TableChoiceError } from '../../src/plan/tables.ts';

const table = (name: string) => ({ name, rows: 1, sum: '1' });
const backup = {
  id: 'b',
  migrations: ['1_init', '2_more'],
  tables: ['audit."Log Entries"', 'public.photos', 'public.salons'].map(table),
};
const present = { migrations: ['2_more', '1_init'] };

describe('some tables of a backup', () => {
  for (const [text, expected] of [
    ['salons', ['public.salons']],
    ['photos, salons,photos', ['public.photos', 'public.salons']],
    ['public.salons', ['public.salons']],
    ['audit."Log Entries"', ['audit."Log Entries"']],
  ] as const)
    it(`are found by ${text}`, () => expect(chooseTables(text, backup, present)).to.deep.equal(expected));

  const REFUSED: [why: string, text: string, now: { migrations: string[] }, message: RegExp][] = [
    ['it does not have', 'salon', present, /b has no table salon; it has .*photos, salons$/],
    ['it does not have beside one that it has', 'salons,x;y', present, /no table x;y;/],
    ['of no name', '', present, /no table/],
    ['of another schema', 'salons', { migrations: ['1_init'] }, /the schema is another one/],
    [
      'of an older schema',
      'salons',
      { migrations: [...backup.migrations, '3'] },
      /the schema is another one/,
    ],
  ];
  for (const [why, text, now, message] of REFUSED)
    it(`are refused when it names one ${why}`, () => {
      expect(() => chooseTables(text, backup, now)).to.throw(TableChoiceError, message);
    });
});

describe("a dump's table of contents", () => {
  it('tells whose rows a line is, whatever the names hold', () => {
    const lines = [
      '215; 1259 16390 TABLE public salons atlas',
      '3456; 0 16390 TABLE DATA public salons atlas',
      '3457; 0 16391 TABLE DATA public salons old atlas',
      '3458; 0 16392 TABLE DATA audit Log "Entries atlas',
      '3470; 0 0 SEQUENCE SET public salons_id_seq atlas',
      '3471; 0 16500 BLOB METADATA - 16500 atlas',
      '3299; 2606 16396 CONSTRAINT public salons salons_pkey atlas',
    ];
    const tables = ['public.salons', 'public."salons old"', 'audit."Log ""Entries"'];
    expect(findRows(lines, tables)).to.deep.equal({
      rows: [
        { table: 'public.salons', line: lines[1] },
        { table: 'public."salons old"', line: lines[2] },
        { table: 'audit."Log ""Entries"', line: lines[3] },
      ],
      sequences: [lines[4]],
      others: [lines[5]],
    });
  });
});
