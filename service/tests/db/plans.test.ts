import { expect } from 'chai';
import type { Knex } from 'knex';
import { deleteSession, findLiveSession, insertSession } from '../../src/db/admin-sessions.ts';
import { openDatabase } from '../../src/db/connection.ts';
import { migrateUp } from '../../src/db/migrator.ts';
import { takeOwedPhotos } from '../../src/db/outbox.ts';
import { findPhoto, listPhotos } from '../../src/db/photos.ts';
import { createSalon, findSalon, listSalons, type SalonFilter } from '../../src/db/salons.ts';
import { findToken, newToken } from '../../src/db/tokens.ts';
import { migrations } from '../../src/migrations/index.ts';
import { createEmptyDatabase } from '../backends/index.ts';
import { genericSeqScans, readingsOf } from '../support/plans.ts';

const SALONS = 100_000;
// Tables of a few rows, which are read whole whatever indexes they have.
const SMALL = ['admins'];
const SEARCH = '20261124000005_search';

/** A directory as the release before search had it, so that the migration meets it full. */
async function fill(db: Knex): Promise<void> {
  await db.raw(
    `insert into salons (name, slug, city, description, published)
     select 'سالن زیبایی ' || n || case when n % 5000 = 7 then ' Café Lumière' else '' end,
            'salon-' || n, 'شهر ' || n % 200, 'کوتاهی و رنگ مو. Haircuts by appointment.', n % 10 > 0
     from generate_series(1, ?::int) n`,
    [SALONS],
  );
  await db.raw(
    `insert into photos (salon_id, original_key, content_type, bytes, sha256, width, height, position, state)
     select n, 'ab/' || n || '-' || p || '.jpg', 'image/jpeg', 1, repeat('0', 64), 1, 1, p,
            case when p = 2 and n % 1000 = 0 then 'uploaded' when p = 2 and n % 5000 = 1 then 'failed' else 'ready' end
     from generate_series(1, ?::int) n, generate_series(1, 2) p`,
    [SALONS],
  );
  await db.raw(`insert into admins (email, password_hash) values ('a@example.org', 'x')`);
  await db.raw(
    `insert into admin_sessions (id_hash, admin_id, expires_at, ip, user_agent)
     select 'hash-' || n, 1, now() + n * interval '1 second', '::1', '' from generate_series(1, 20000) n`,
  );
  await db.raw(
    `insert into api_tokens (name, token_hash)
     select 'token ' || n, encode(sha256(n::text::bytea), 'hex') from generate_series(1, 20000) n`,
  );
}

describe(`plans on ${SALONS} salons`, () => {
  let db: Knex;
  let url: string;

  before(async function () {
    this.timeout(180_000);
    url = await createEmptyDatabase();
    db = openDatabase({ url, name: 'test' });
    await migrateUp(db, new Map([...migrations].filter(([name]) => name < SEARCH)));
    await fill(db);
  });
  after(() => db.destroy());

  it('the migration fills and indexes them while others read and write, and changes nothing of theirs', async function () {
    this.timeout(300_000);
    const others = openDatabase({ url, name: 'others', lockTimeoutSeconds: 2 });
    const { updated_at: before } = await db('salons').where({ id: 1 }).first('updated_at');
    let isDone = false;
    let writes = 0;
    const write = async () => {
      while (!isDone) {
        writes += 1;
        await others('salons').insert({ name: `Späti ${writes}`, slug: `new-${writes}`, city: 'Wien' });
        await others('salons')
          .where({ id: SALONS - writes })
          .update({ phone: String(writes) });
        await others('salons')
          .where({ slug: `new-${writes}` })
          .delete();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    // A column that is generated instead, or an index that is not built concurrently, ends it with 55P03 (tried).
    const writing = write();
    await Promise.race([migrateUp(db, migrations), writing]);
    isDone = true;
    await writing;
    await others.destroy();
    expect(writes).to.be.greaterThan(20);
    expect(await db('salons').whereNull('search').orWhereNull('search_city')).to.deep.equal([]);
    // Fails when salons_touch stays as it was (tried).
    expect((await db('salons').where({ id: 1 }).first('updated_at')).updated_at).to.deep.equal(before);
    await db.raw('vacuum analyze');
  });

  /** Reads no table from end to end, and at most so many rows a statement. */
  async function reads(maximum: number, work: () => Promise<unknown>): Promise<void> {
    const readings = await readingsOf(db, work);
    expect(readings).to.not.have.lengthOf(0);
    for (const reading of readings) {
      expect(SMALL, reading.sql).to.include.members(reading.seqScans);
      expect(reading.rows, `${reading.sql} by ${reading.indexes}`).to.be.at.most(maximum);
    }
  }

  const list =
    (filter: Partial<SalonFilter> & { beforeId?: number; limit?: number }, expected = 21) =>
    async () => {
      const salons = await listSalons(db, { hidden: false, limit: 21, ...filter });
      expect(salons).to.have.lengthOf(expected);
    };

  describe('the list', () => {
    const deep = SALONS - 4000 * 21;
    it('of visitors: page 1 and page 4,000', async () => {
      await reads(30, list({}));
      await reads(30, list({ beforeId: deep }));
    });
    it('of token holders, unpublished ones included', async () => {
      await reads(21, list({ hidden: true }));
      await reads(21, list({ hidden: true, beforeId: deep }));
      await reads(101, list({ hidden: true, limit: 101 }, 101));
    });
    it('of a city, however it is spelled, and from the middle on', async () => {
      // Reads every row with lower(city) in whereCity (tried).
      await reads(30, list({ city: 'شهر ۷' }));
      await reads(30, list({ city: 'شهر7' }, 0));
      await reads(30, list({ city: 'شهر 7', beforeId: deep }));
      await reads(30, list({ city: 'شهر 7', beforeId: deep, hidden: true }));
    });
  });

  // What is prepared may be planned once for all values.
  it('planned for no value in particular, they read no table from end to end either', async () => {
    for (const city of [undefined, 'شهر 7'])
      for (const beforeId of [undefined, 50_000])
        for (const hidden of [false, true]) {
          const work = () => listSalons(db, { limit: 21, hidden, city, beforeId });
          expect(await genericSeqScans(db, work), `${city} ${beforeId} ${hidden}`).to.deep.equal([]);
        }
    expect(await genericSeqScans(db, () => findSalon(db, 'salon-1', false))).to.deep.equal([]);
  });

  describe('search', () => {
    // The newest are looked at first, then what the index of search names; a trigram index names a few too many.
    const NEWEST = 500;
    it('of a word that nearly all have', async () => {
      await reads(NEWEST, list({ q: 'زيبايي' }));
      await reads(NEWEST, list({ q: 'زیبایی کوتاهی رنگ', beforeId: 50_000 }));
    });
    it('of a word that few have, with one that all have, and that nobody has', async () => {
      await reads(NEWEST + 200, list({ q: 'cafe' }, 20));
      await reads(NEWEST + 200, list({ q: 'زیبایی lumiere' }, 20));
      await reads(NEWEST + 200, list({ q: 'cafe', beforeId: 50_000 }, 10));
      await reads(NEWEST + 200, list({ q: 'zyzzyva' }, 0));
    });
    it('of two letters that few have or nobody', async () => {
      // Reads every row when search_pattern puts them between wildcards (tried).
      await reads(NEWEST + 200, list({ q: 'fé' }, 20));
      await reads(NEWEST + 200, list({ q: 'qq' }, 0));
      await reads(NEWEST + 200, list({ q: 'q' }, 0));
    });
    it('of signs, which are no words, and of letters among them', async () => {
      // A trigram index knows nothing of signs.
      for (const q of ['%%%', '--- ***']) expect(await readingsOf(db, list({ q }, 0)), q).to.deep.equal([]);
      await reads(NEWEST + 200, list({ q: 'q%%' }, 0));
      await reads(NEWEST + 200, list({ q: 'cafe %%%' }, 0));
    });
    it('within a city', async () => {
      await reads(NEWEST + 700, list({ q: 'کوتاهي', city: 'شهر 7' }));
      await reads(NEWEST + 700, list({ q: 'cafe', city: 'شهر 7' }, 20));
      await reads(NEWEST + 700, list({ q: 'cafe', city: 'شهر 8' }, 0));
    });
  });

  describe('everything else that is asked', () => {
    it('one salon by its slug, in any spelling', async () => {
      await reads(4, () => findSalon(db, 'salon-77777', false));
      await reads(4, () => findSalon(db, 'Salon ۷۷۷۷۷', true));
    });
    it('the next free number of a slug', async () => {
      await createSalon(db, { name: 'Rosa', city: 'Wien' });
      await createSalon(db, { name: 'Rosa', city: 'Wien' });
      // Reads all slugs without the index salons_slug_prefix (tried).
      await reads(5, () => createSalon(db, { name: 'Rosa', city: 'Wien' }));
    });
    it('photos of a salon, one photo, the outbox', async () => {
      await reads(4, () => listPhotos(db, 50_000));
      await reads(4, () => findPhoto(db, 50_000, false));
      // The photos taken are read, and read again to be changed.
      await reads(350, () => takeOwedPhotos(db, -1, 100));
    });
    it("the panel's lists and filters", async () => {
      // AdminJS is an ES module that waits at its top: mocha would load everything a second time for it.
      const { panelResources } = await import('../../src/admin/resources/index.ts');
      const { Filter } = await import('adminjs');
      const [salons, photos] = panelResources({ db }).map(({ resource }) => resource);
      const find = (table: typeof salons, filters: object) => async () => {
        const filter = new Filter({ ...filters }, table);
        await table.find(filter, { limit: 10, offset: 0, sort: { sortBy: 'id', direction: 'desc' } });
        if (Object.keys(filters).length > 0) await table.count(filter);
      };
      await reads(10, find(salons, {}));
      // Reads every row without `contains` (tried).
      for (const filters of [{ name: 'لومیر' }, { city: 'وين' }, { slug: 'zyzzyva' }])
        await reads(50, find(salons, filters));
      await reads(10, find(photos, {}));
      await reads(10, find(photos, { salon_id: 50_000 }));
      await reads(30, find(photos, { state: 'failed' }));
    });
    it('sessions and tokens', async () => {
      await reads(5, () => findLiveSession(db, 'hash-1234'));
      await reads(5, () => deleteSession(db, 'hash-1235'));
      const session = { idHash: 'new', adminId: '1', ip: '::1', userAgent: '' };
      await reads(600, async () => {
        await insertSession(db, session);
        // It is inserted again to see how.
        await deleteSession(db, 'new');
      });
      await reads(5, () => findToken(db, newToken()));
    });
  });
});
