import { expect } from 'chai';
import type { Knex } from 'knex';
import { openDatabase } from '../../src/db/connection.ts';
import { listMigrations, type Migration, migrateDown, migrateUp } from '../../src/db/migrator.ts';
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
      { name: '1_a', applied: false, known: true },
      { name: '2_b', applied: false, known: true },
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
    expect(left.rows.map((row: { relname: string }) => row.relname)).to.have.members([
      'knex_migrations',
      'knex_migrations_lock',
    ]);
    expect(await migrateUp(db, migrations)).to.have.lengthOf(migrations.size);
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
    const broken: Migration = {
      up: async (knex) => {
        await knex.raw('create table half (id int)');
        throw new Error('no further');
      },
      down: async () => {},
    };
    const error = await migrateUp(db, new Map([...older, ['3_broken', broken]])).catch((reason) => reason);
    expect(error.message).to.contain('no further');
    expect(await db.schema.hasTable('half')).to.equal(false);
  });
});
