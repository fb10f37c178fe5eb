import { expect } from 'chai';
import type { Knex } from 'knex';
import { openDatabase } from '../../src/db/connection.ts';
import { markedNames } from '../../src/db/migration-marks.ts';
import {
  describeMigrations,
  listMigrations,
  type Migration,
  migrateDown,
  migrateUp,
} from '../../src/db/migrator.ts';
import { migrations } from '../../src/migrations/index.ts';
import { createEmptyDatabase, until } from '../backends/index.ts';

const table = (name: string): Migration => ({
  up: async (knex) => void (await knex.raw('create table ?? (id int)', [name])),
  down: async (knex) => void (await knex.raw('drop table ??', [name])),
});
const older = new Map([
  ['1_a', table('a')],
  ['2_b', table('b')],
] as const);
const newer = new Map([...older, ['3_c', table('c')]] as const);
const breaking = (name: string): Migration => ({ ...table(name), config: { breaking: true } });
const broken: Migration = {
  up: async (knex) => {
    await knex.raw('create table half (id int)');
    throw new Error('no further');
  },
  down: async () => {},
};

describe('migrator', () => {
  let url: string;
  let db: Knex;
  beforeEach(async () => {
    url = await createEmptyDatabase();
    db = openDatabase({ url, name: 'test', lockTimeoutSeconds: 1 });
  });
  afterEach(() => db.destroy());

  it('lists, applies and lists again, from an empty database on', async () => {
    expect(await listMigrations(db, older)).to.deep.equal([
      { name: '1_a', applied: false, known: true, breaking: false },
      { name: '2_b', applied: false, known: true, breaking: false },
    ]);
    expect(await migrateUp(db, older)).to.deep.equal(['1_a', '2_b']);
    expect(await migrateUp(db, older)).to.deep.equal([]);
    expect((await listMigrations(db, older)).every(({ applied }) => applied)).to.equal(true);
  });

  it('serves an older image in front of a newer database', async () => {
    await migrateUp(db, newer);
    expect(await migrateUp(db, older)).to.deep.equal([]);
    expect((await listMigrations(db, older)).at(-1)).to.deep.equal({
      name: '3_c',
      applied: true,
      known: false,
      breaking: false,
    });
    const refused = await migrateDown(db, older, '1_a').catch((error) => error);
    expect(refused.message).to.equal('this image does not know 3_c: run down in the newer image');
    expect(await db.schema.hasTable('b')).to.equal(true);
  });

  it('goes down to a name, which stays, and up again', async () => {
    await migrateUp(db, newer);
    expect(await migrateDown(db, newer, '1_a')).to.deep.equal(['3_c', '2_b']);
    expect(await db.schema.hasTable('a')).to.equal(true);
    expect(await db.schema.hasTable('b')).to.equal(false);
    const unknown = await migrateDown(db, newer, '9_z').catch((error) => error);
    expect(unknown.message).to.equal('9_z is not applied; applied are: 1_a');
    expect(await migrateDown(db, newer, 'none')).to.deep.equal(['1_a']);
    expect(await migrateUp(db, newer)).to.have.lengthOf(3);
  });

  it('undoes what it does: the real schema goes down to nothing and up again', async () => {
    await migrateUp(db, migrations);
    await migrateDown(db, migrations, 'none');
    const left = await db.raw(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    );
    // What keeps the books stays; the marks' table is there from the first breaking migration on.
    expect(['knex_migrations', 'knex_migrations_lock', 'migration_marks']).to.include.members(
      left.rows.map((row: { relname: string }) => row.relname),
    );
    expect(await markedNames(db)).to.deep.equal([]);
    expect(await migrateUp(db, migrations)).to.have.lengthOf(migrations.size);
  });

  it('needs no more than to own the database, as the role of a deployed stack does', async () => {
    await db.raw('create role owner_only login nosuperuser nocreatedb nocreaterole');
    await db.raw('alter database ?? owner to owner_only', [new URL(url).pathname.slice(1)]);
    const own = openDatabase({ url: url.replace('//atlas@', '//owner_only@'), name: 'test' });
    // Fails for an extension that is not trusted (tried with pageinspect).
    const applied = await migrateUp(own, migrations).finally(() => own.destroy());
    expect(applied).to.have.lengthOf(migrations.size);
  });

  it('gets past the lock of a migration that was killed', async () => {
    await migrateUp(db, older);
    // What SIGKILL leaves behind. Fails without the line that frees it: knex waits, then refuses (tried).
    await db('knex_migrations_lock').update({ is_locked: 1 });
    expect(await migrateUp(db, newer)).to.deep.equal(['3_c']);
  });

  it('does not run beside another one, and says so', async () => {
    const other = openDatabase({ url, name: 'other' });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let inside = false;
    const slow: Migration = {
      // In a transaction knex's own lock row would stay locked, and hide whether ours works.
      config: { transaction: false },
      up: async () => {
        inside = true;
        await held;
      },
      down: async () => {},
    };
    const first = migrateUp(other, new Map([['1_slow', slow]]));
    await until('the first one is at work', () => inside);
    const second = await migrateUp(db, older).catch((error) => error);
    expect(second.name).to.equal('MigrationError');
    expect(second.message).to.match(/^waited too long for a lock/);
    release();
    expect(await first).to.deep.equal(['1_slow']);
    await other.destroy();
  });

  it('leaves nothing of a step that fails', async () => {
    const error = await migrateUp(db, new Map([...older, ['3_broken', broken]])).catch((reason) => reason);
    expect(error.message).to.contain('no further');
    expect(await db.schema.hasTable('half')).to.equal(false);
  });

  describe('marks of breaking migrations', () => {
    const withBreaking = new Map([...older, ['3_c', breaking('c')]] as const);
    const breakingOnes = async (known: ReadonlyMap<string, Migration>) =>
      (await listMigrations(db, known)).filter((one) => one.breaking);

    it('are read from the image before they are applied, and by an older image from the database', async () => {
      const pending = { name: '3_c', applied: false, known: true, breaking: true };
      expect(await breakingOnes(withBreaking)).to.deep.equal([pending]);
      await migrateUp(db, withBreaking);
      expect(await breakingOnes(withBreaking)).to.deep.equal([{ ...pending, applied: true }]);
      // Empty when listMigrations asks the image alone, or up writes no mark (tried both).
      expect(await breakingOnes(older)).to.deep.equal([{ ...pending, applied: true, known: false }]);
    });

    it('are in what an image says of itself, oldest first', () => {
      const image = new Map([['2_b', breaking('b')] as const, ['1_a', table('a')] as const]);
      expect(describeMigrations(image)).to.deep.equal([
        { name: '1_a', breaking: false },
        { name: '2_b', breaking: true },
      ]);
    });

    it('go with their migration, and come back with it', async () => {
      await migrateUp(db, withBreaking);
      expect(await migrateDown(db, withBreaking, '2_b')).to.deep.equal(['3_c']);
      // Still there without unmark (tried).
      expect(await markedNames(db)).to.deep.equal([]);
      expect(await breakingOnes(older)).to.deep.equal([]);
      await migrateUp(db, withBreaking);
      expect(await markedNames(db)).to.deep.equal(['3_c']);
    });

    it('are written in the transaction of their migration, or not at all', async () => {
      const first = await migrateUp(db, new Map([...withBreaking, ['4_broken', broken]])).catch((e) => e);
      expect(first.message).to.contain('no further');
      // There when the mark is written through the pool instead of the migration's transaction (tried).
      expect(await db.schema.hasTable('migration_marks')).to.equal(false);
      // And knex takes a mark without a word about transactions as before: all of it or nothing.
      expect(await db.schema.hasTable('a')).to.equal(false);
    });

    it('are there before the work is: without a transaction a kill may come in between', async () => {
      let seen: string[] = [];
      const looks: Migration = {
        ...breaking('c'),
        up: async (knex) => {
          seen = await markedNames(knex);
        },
      };
      await migrateUp(db, new Map([['3_c', looks]]));
      // Empty when up marks after its work (tried).
      expect(seen).to.deep.equal(['3_c']);
    });

    it('say nothing about a migration outside a transaction that failed', async () => {
      const config = { transaction: false, breaking: true };
      const error = await migrateUp(db, new Map([...older, ['3_broken', { ...broken, config }]])).catch(
        (e) => e,
      );
      expect(error.message).to.contain('no further');
      // Its work is there, as asked for. False when the mark costs a migration its own settings (tried).
      expect(await db.schema.hasTable('half')).to.equal(true);
      expect((await listMigrations(db, older)).map(({ name }) => name)).to.deep.equal(['1_a', '2_b']);
    });
  });
});
