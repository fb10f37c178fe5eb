import { expect } from 'chai';
import { until } from '../backends/index.ts';
import { type Answer, type Browser, startPanel, type TestPanel } from './support.ts';

const SALONS = '/admin/api/resources/salons';
const PHOTOS = '/admin/api/resources/photos';

describe('admin resources', () => {
  let panel: TestPanel;
  let browser: Browser;

  beforeEach(async () => {
    panel = await startPanel();
    await panel.addAdmin('ada@example.org', 'editor');
    browser = panel.browser();
    await browser.login('ada@example.org');
  });
  afterEach(() => panel.close());

  const names = ({ records }: Answer) => records.map((record) => record.params.name);
  const addSalon = async (name: string, more: object = {}): Promise<string> => {
    const row = { name, slug: name.toLowerCase(), city: 'Shiraz', ...more };
    return (await panel.db('salons').insert(row).returning('id'))[0].id;
  };
  const addPhoto = async (salonId: string, key: string): Promise<string> => {
    const row = {
      salon_id: salonId,
      original_key: key,
      content_type: 'image/jpeg',
      bytes: 10,
      sha256: 'a'.repeat(64),
    };
    return (
      await panel
        .db('photos')
        .insert({ ...row, width: 4, height: 3, position: 1 })
        .returning('id')
    )[0].id;
  };

  describe('salons', () => {
    it('creates one by the API’s rules, with a slug from its name, and says so', async () => {
      const answer = await browser.submit(`${SALONS}/actions/new`, {
        name: ' سالن رز ',
        city: 'Tehran',
        published: 'false',
      });
      expect(answer.notice.type).to.equal('success');
      const row = await panel.db('salons').first();
      expect(row).to.include({
        name: 'سالن رز',
        slug: 'سالن-رز',
        city: 'Tehran',
        published: false,
        phone: null,
      });
      expect(panel.changes).to.deep.equal(['salons']);
    });

    it('says on the fields what is wrong, and stores nothing', async () => {
      const { record, notice } = await browser.submit(`${SALONS}/actions/new`, {
        name: ' ',
        slug: 'No Slug',
        city: 'x'.repeat(101),
      });
      expect(notice.type).to.equal('error');
      expect(record.errors).to.have.all.keys('name', 'slug', 'city');
      expect(record.errors.name?.message).to.equal('is required');
      expect(record.errors.slug?.message).to.contain('no-slug');
      expect(await panel.db('salons')).to.deep.equal([]);
      expect(panel.changes).to.deep.equal([]);
    });

    it('says on the slug that it is taken, at creation and later', async () => {
      await addSalon('Rose');
      const other = await addSalon('Lily');
      const created = await browser.submit(`${SALONS}/actions/new`, { name: 'x', city: 'y', slug: 'rose' });
      expect(created.record.errors.slug?.message).to.contain('belongs to another');
      const edited = await browser.submit(`${SALONS}/records/${other}/edit`, { slug: 'rose' });
      expect(edited.record.errors.slug?.message).to.contain('taken');
    });

    // Mutation tried: no list of editable columns; id and created_at were written.
    it('changes the listed columns and no other', async () => {
      const id = await addSalon('Rose', { phone: '1' });
      const fields = { name: 'Rosa', phone: '', created_at: '2001-01-01', nonsense: 'x', slug: '' };
      const { notice } = await browser.submit(`${SALONS}/records/${id}/edit`, fields);
      expect(notice.type).to.equal('success');
      const row = await panel.db('salons').first();
      expect(row).to.include({ id, name: 'Rosa', slug: 'rose', phone: null, city: 'Shiraz' });
      expect(row.created_at.getFullYear()).to.be.above(2001);
      expect(panel.changes).to.deep.equal(['salons']);
    });

    // Mutation tried: without the `before` of the edit action AdminJS writes to the record the form names.
    it('changes the record of the address, whatever id the form names', async () => {
      const [id, other] = [await addSalon('Rose'), await addSalon('Lily')];
      await browser.submit(`${SALONS}/records/${id}/edit`, { id: other, name: 'Rosa' });
      expect(await panel.db('salons').orderBy('id').pluck('name')).to.deep.equal(['Rosa', 'Lily']);
    });

    it('deletes one with its photos, and has their files removed', async () => {
      const id = await addSalon('Rose');
      await addPhoto(id, '00/a.jpg');
      await browser.submit(`${SALONS}/records/${id}/delete`, {});
      expect(await panel.db('salons')).to.deep.equal([]);
      expect(panel.removed).to.deep.equal([{ originalKey: '00/a.jpg', variantKeys: [] }]);
      expect(panel.changes).to.deep.equal(['salons']);
    });

    it('deletes nothing on a GET', async () => {
      const id = await addSalon('Rose');
      await browser.json(`${SALONS}/records/${id}/delete`);
      await browser.json(`${SALONS}/bulk/bulkDelete?recordIds=${id}`);
      expect(await panel.db('salons')).to.have.length(1);
    });

    it('lists in pages that neither repeat nor skip equal values', async () => {
      for (let i = 0; i < 7; i++) await addSalon(`S${i}`);
      const page = (n: number) =>
        browser.json(`${SALONS}/actions/list?sortBy=city&direction=asc&perPage=3&page=${n}`);
      const pages: Answer[] = [await page(1), await page(2), await page(3)];
      expect(pages.flatMap(names)).to.deep.equal(['S0', 'S1', 'S2', 'S3', 'S4', 'S5', 'S6']);
      expect(pages[0]?.meta.total).to.equal(7);
    });

    it('filters by part of a text, by kind and by date, and takes % for what it is', async () => {
      await addSalon('Rose 100%', { published: false });
      await addSalon('Lily 1000', { created_at: '2020-01-02T00:00:00Z' });
      const list = async (query: string): Promise<unknown[]> =>
        names(await browser.json(`${SALONS}/actions/list?${query}`));
      expect(await list('filters.name=rOSe')).to.deep.equal(['Rose 100%']);
      expect(await list('filters.name=0%25')).to.deep.equal(['Rose 100%']);
      expect(await list('filters.published=true')).to.deep.equal(['Lily 1000']);
      expect(await list('filters.created_at~~to=2020-12-31')).to.deep.equal(['Lily 1000']);
      expect(await list('filters.name=%00')).to.have.length(2);
    });

    it('survives nonsense in the query', async () => {
      const id = await addSalon('Rose');
      for (const query of [
        'sortBy=password_hash',
        'sortBy=id;drop table salons&direction=sideways',
        'perPage=-1&page=-5',
        'perPage=x&page=1e99',
        'filters.id=x',
        'filters.nothing=1',
        'filters.__proto__.x=1',
        'filters.created_at~~from=yesterday',
      ]) {
        const response = await browser.send(`${SALONS}/actions/list?${query}`);
        expect(response.status, query).to.equal(200);
      }
      for (const bad of ['0', '-1', 'x', '99999999999999999999', `${id}%20or%201=1`]) {
        const response = await browser.send(`${SALONS}/records/${bad}/show`);
        expect(response.status, bad).to.equal(200);
        expect(((await response.json()) as Answer).notice.type, bad).to.equal('error');
      }
    });
  });

  describe('photos', () => {
    it('shows each with its salon, and finds those of one', async () => {
      const id = await addSalon('Rose');
      await addPhoto(id, '00/a.jpg');
      await addPhoto(await addSalon('Lily'), '00/b.jpg');
      const { records } = await browser.json(`${PHOTOS}/actions/list?filters.salon_id=${id}`);
      expect(records).to.have.length(1);
      expect(records[0]?.populated.salon_id?.params.name).to.equal('Rose');
      expect(records[0]?.params).not.to.have.any.keys('original_key', 'sha256');
    });

    it('shows the addresses of the smallest and the largest size once there are any, and never a key', async () => {
      const id = await addPhoto(await addSalon('Rose'), '00/a.jpg');
      const params = async (path: string) => (await browser.json(`${PHOTOS}/${path}`)).record.params;
      expect(await params(`records/${id}/show`)).not.to.have.any.keys('thumbnail', 'picture');
      const variants = [800, 320, 1600].map((width) => ({
        key: `00/a-${width}.webp`,
        width,
        height: 1,
        bytes: 1,
      }));
      await panel.db('photos').update({ state: 'ready', variants: JSON.stringify(variants) });
      const shown = await params(`records/${id}/show`);
      expect(shown).to.include({ thumbnail: '/media/00/a-320.webp', picture: '/media/00/a-1600.webp' });
      expect(Object.keys(shown).filter((key) => /variant|original/.test(key))).to.deep.equal([]);
      const { records } = await browser.json(`${PHOTOS}/actions/list?filters.variants=x`);
      expect(records[0]?.params.thumbnail).to.equal('/media/00/a-320.webp');
    });

    // Mutation tried: writing the column; the photo that had the place kept it too.
    it('gives a photo its place by the API’s function: the others move', async () => {
      const salon = await addSalon('Rose');
      const ids = [await addPhoto(salon, '00/a.jpg'), await addPhoto(salon, '00/b.jpg')];
      ids.push(await addPhoto(salon, '00/c.jpg'));
      await browser.submit(`${PHOTOS}/records/${ids[2]}/edit`, { position: '1' });
      const rows = await panel.db('photos').orderBy('position').select('id', 'position');
      expect(rows.map(({ id, position }) => [id, position])).to.deep.equal([
        [ids[2], 1],
        [ids[0], 2],
        [ids[1], 3],
      ]);
      expect(panel.changes).to.deep.equal(['photos']);
    });

    // The photo locked before its salon: they wait in a circle, and the database ends one of them (tried).
    it('waits for whoever sorts the same photos, and they never for each other', async () => {
      const salon = await addSalon('Rose');
      const [first = '', second = ''] = [
        await addPhoto(salon, '00/a.jpg'),
        await addPhoto(salon, '00/b.jpg'),
      ];
      let moved: Promise<Answer> | undefined;
      await panel.db.transaction(async (trx) => {
        await trx('salons').where({ id: salon }).forUpdate();
        moved = browser.submit(`${PHOTOS}/records/${first}/edit`, { position: '2' });
        await until('the panel waits', async () => {
          const { rows } = await panel.db.raw(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
          );
          return rows.length > 0;
        });
        await trx('photos').where({ id: first }).update({ alt: 'x' });
      });
      expect((await moved)?.notice.type).to.equal('success');
      const order = await panel.db('photos').orderBy('position').pluck('id');
      expect(order).to.deep.equal([second, first]);
    });

    it('refuses a place that is none', async () => {
      const id = await addPhoto(await addSalon('Rose'), '00/a.jpg');
      for (const position of ['-1', '1.5', 'first', '1e9', '']) {
        const { record } = await browser.submit(`${PHOTOS}/records/${id}/edit`, { position });
        expect(Object.keys(record.errors), `"${position}"`).to.deep.equal(['position']);
      }
      expect((await panel.db('photos').first()).position).to.equal(1);
    });

    it('lets none be made here', async () => {
      const answer = await browser.submit(`${PHOTOS}/actions/new`, { salon_id: '1', state: 'ready' });
      expect(answer.notice.type).to.equal('error');
      expect(await panel.db('photos')).to.deep.equal([]);
    });

    it('takes a description and a place, and nothing else', async () => {
      const id = await addPhoto(await addSalon('Rose'), '00/a.jpg');
      await browser.submit(`${PHOTOS}/records/${id}/edit`, {
        alt: 'A chair',
        position: '1',
        state: 'ready',
        original_key: 'x',
      });
      expect(await panel.db('photos').first()).to.include({
        alt: 'A chair',
        position: 1,
        state: 'uploaded',
        original_key: '00/a.jpg',
      });
    });

    it('deletes one and has its files removed', async () => {
      const id = await addPhoto(await addSalon('Rose'), '00/a.jpg');
      await browser.submit(`${PHOTOS}/bulk/bulkDelete?recordIds=${id}`, {});
      expect(await panel.db('photos')).to.deep.equal([]);
      expect(panel.removed.map((files) => files.originalKey)).to.deep.equal(['00/a.jpg']);
    });
  });
});
