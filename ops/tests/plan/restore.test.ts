import { expect } from 'chai';
import type { Manifest } from '../../src/plan/backups.ts';
import { describeRestore, findPending, findUnknown, type RestoreFacts } from '../../src/plan/restore.ts';

const backup: Manifest = {
  ...{ format: 1, id: 'b', time: '2026-11-23T23:45:30.123Z', release: 'v1', reason: 'nightly' },
  ...{ database: { name: 'atlas', bytes: 1 }, migrations: ['1', '2'], seconds: 1, verified: '' },
  postgres: { version: '17', image: 'p', imageId: '' },
  media: { storage: 'local', files: 3, bytes: 9 },
  ...{ files: [], tables: [{ name: 'public.salons', rows: 4, sum: '1' }] },
};
const migration = (name: string) => ({ name, breaking: false });
const facts = (over: Partial<RestoreFacts> = {}): RestoreFacts => ({
  ...{ backup, release: 'v2', known: ['1', '2'].map(migration), tables: null, safety: true, ...over },
});

describe('the plan of a restore', () => {
  it('knows what the release lacks and what the backup lacks', () => {
    const known = ['1', '3'].map(migration);
    expect(findUnknown({ backup, known })).to.deep.equal(['2']);
    expect(findPending({ backup, known }).map(({ name }) => name)).to.deep.equal(['3']);
  });

  it('says all that will happen, and only that', () => {
    const all = describeRestore(facts()).join('\n');
    expect(all).to.match(/3 photo files/);
    expect(all).to.match(/take a backup of the present state\n/);
    expect(all).to.match(/restore 1 tables, 4 rows into a new database/);
    expect(all).to.not.match(/migrate/);
    const some = describeRestore(facts({ tables: ['public.photos'], known: ['1', '2', '3'].map(migration) }));
    expect(some.join('\n'))
      .to.match(/restore public\.photos into/)
      .and.match(/migrate: 3/);
    const bold = describeRestore(facts({ safety: false, backup: { ...backup, media: { storage: 'none' } } }));
    expect(bold.join('\n'))
      .to.match(/NO backup of the present/)
      .and.not.match(/photo files/);
  });
});
