import { expect } from 'chai';
import { startDirectory, type TestDirectory } from '../support/directory.ts';

describe('salons', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
  });
  after(() => directory.stop());

  const create = (json: object) => directory.call('POST', '/api/salons', { as: 'owner', json });
  const read = (path: string) => directory.call('GET', path);

  it('creates one, answers where it is, and shows it to anyone', async () => {
    const created = await create({ name: 'Rosa & Söhne', city: 'Wien', phone: '+43 1 234' });
    expect(created.status).to.equal(201);
    expect(created.headers.get('location')).to.equal('/api/salons/rosa-s%C3%B6hne');
    expect(created.body).to.include({
      slug: 'rosa-söhne',
      city: 'Wien',
      phone: '+43 1 234',
      published: true,
    });
    expect(created.body.createdAt).to.match(/^\d{4}-.*Z$/);
    const shown = await read(created.headers.get('location') ?? '');
    expect(shown.status).to.equal(200);
    expect(shown.body).to.deep.equal(created.body);
  });

  it('makes slugs from any script and numbers the same name', async () => {
    const slugs = [];
    for (let n = 0; n < 3; n++) slugs.push((await create({ name: 'سالن رز', city: 'تهران' })).body.slug);
    expect(slugs).to.deep.equal(['سالن-رز', 'سالن-رز-2', 'سالن-رز-3']);
  });

  it('numbers many created at once without a gap or a failure', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => create({ name: 'Rush', city: 'Graz' })),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(12).fill(201));
    expect(new Set(answers.map(({ body }) => body.slug)).size).to.equal(12);
  });

  it('refuses a slug of the client that is taken or not in the form of a slug', async () => {
    await create({ name: 'First', city: 'Linz', slug: 'mine' });
    const taken = await create({ name: 'Second', city: 'Linz', slug: 'mine' });
    expect(taken.status).to.equal(409);
    expect(taken.body.errors).to.deep.equal([{ field: 'slug', message: 'belongs to another salon' }]);
    const malformed = await create({ name: 'Third', city: 'Linz', slug: 'Not A Slug' });
    expect(malformed.status).to.equal(422);
    expect(malformed.body.errors[0].message).to.contain('"not-a-slug"');
  });

  it('names every failing field at once', async () => {
    const { status, body, headers } = await create({ name: ' ', phone: 5, publised: true });
    expect(status).to.equal(422);
    expect(headers.get('content-type')).to.match(/^application\/problem\+json/);
    expect(body.errors.map((error: { field: string }) => error.field)).to.have.members([
      'name',
      'city',
      'phone',
      'publised',
    ]);
    expect(body).to.include({ status: 422, title: 'Unprocessable Entity', type: 'about:blank' });
  });

  it('refuses what the database cannot hold before it gets there', async () => {
    const { status, body } = await create({ name: 'a\u0000b', city: 'Wien', description: 'c\u0000d' });
    expect(status).to.equal(422);
    expect(body.errors.map((error: { field: string }) => error.field)).to.have.members([
      'name',
      'description',
    ]);
  });

  it('changes only what is sent, and readers see it at once', async () => {
    const { body } = await create({ name: 'Before', city: 'Bern', address: 'Gasse 1' });
    await read(`/api/salons/${body.slug}`);
    const changed = await directory.call('PATCH', `/api/salons/${body.slug}`, {
      as: 'owner',
      json: { name: 'After' },
    });
    expect(changed.body).to.include({ name: 'After', city: 'Bern', address: 'Gasse 1', slug: 'before' });
    expect(Date.parse(changed.body.updatedAt)).to.be.greaterThan(Date.parse(body.updatedAt));
    // Fails when PATCH does not invalidate the cache (tried by removing the call).
    expect((await read(`/api/salons/${body.slug}`)).body.name).to.equal('After');
    const taken = await directory.call('PATCH', `/api/salons/${body.slug}`, {
      as: 'owner',
      json: { slug: 'mine' },
    });
    expect(taken.status).to.equal(409);
  });

  it('deletes one; then it is gone for everybody', async () => {
    const { body } = await create({ name: 'Short-lived', city: 'Bern' });
    await read(`/api/salons/${body.slug}`);
    const answers = [];
    for (let n = 0; n < 2; n++)
      answers.push(await directory.call('DELETE', `/api/salons/${body.slug}`, { as: 'owner' }));
    expect(answers.map(({ status }) => status)).to.deep.equal([204, 404]);
    expect((await read(`/api/salons/${body.slug}`)).status).to.equal(404);
  });

  it('hides unpublished salons from everybody without a token', async () => {
    const { body } = await create({ name: 'Secret', city: 'Nowhere', published: false });
    for (const path of [`/api/salons/${body.slug}`, `/api/salons/${body.slug}/photos`]) {
      expect((await read(path)).status, path).to.equal(404);
      expect((await directory.call('GET', path, { as: 'owner' })).status, path).to.equal(200);
    }
    expect((await read('/api/salons?city=nowhere')).body.items).to.deep.equal([]);
    const owner = await directory.call('GET', '/api/salons?city=nowhere', { as: 'owner' });
    expect(owner.body.items).to.have.lengthOf(1);
  });

  it('lets caches share what anybody may see, and nothing else', async () => {
    await create({ name: 'Shared', city: 'Krems' });
    const cacheControl = async (path: string, as?: 'owner') => {
      const { headers } = await directory.call('GET', path, as ? { as } : {});
      return headers.get('cache-control');
    };
    for (const path of ['/api/salons?city=Krems', '/api/salons/shared', '/api/salons/no-such-salon']) {
      expect(await cacheControl(path), path).to.match(/^public, max-age=0, must-revalidate, s-maxage=1, /);
      expect(await cacheControl(path, 'owner'), `${path} with a token`).to.equal('no-store');
    }
    expect(await cacheControl('/api/salons?limit=0'), 'an error').to.equal('no-store');
  });

  it('answers 304 to whoever has that, until it changes', async () => {
    await create({ name: 'Tagged', city: 'Steyr' });
    // Node's fetch would ask for an answer past every cache as soon as it sees If-None-Match.
    const ask = (path: string, etag: string) =>
      directory.call('GET', path, { headers: { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' } });
    for (const path of ['/api/salons?city=Steyr', '/api/salons/tagged', '/api/salons/tagged/photos']) {
      const etag = (await read(path)).headers.get('etag') ?? '';
      expect(etag, path).to.match(/^"[\w-]{27}"$/);
      for (const given of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const again = await ask(path, given);
        expect([again.status, again.body.length, again.headers.get('etag')], path).to.deep.equal([
          304,
          0,
          etag,
        ]);
        if (!path.endsWith('photos')) expect(again.headers.get('cache-control')).to.contain('s-maxage');
      }
    }
    const before = (await read('/api/salons/tagged')).headers.get('etag') ?? '';
    await directory.call('PATCH', '/api/salons/tagged', { as: 'owner', json: { phone: '1' } });
    const after = await ask('/api/salons/tagged', before);
    expect([after.status, after.body.phone]).to.deep.equal([200, '1']);
  });

  it('pages through a city newest first, each salon once, while new ones come in', async () => {
    for (let n = 1; n <= 7; n++) await create({ name: `Page ${n}`, city: 'Pécs' });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await read(`/api/salons?city=P%C3%89CS&limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.body.items.length).to.be.within(1, 3);
      seen.push(...page.body.items.map((salon: { name: string }) => salon.name));
      await create({ name: 'Newcomer', city: 'Pécs' });
      cursor = page.body.nextCursor;
    }
    expect(seen).to.deep.equal([7, 6, 5, 4, 3, 2, 1].map((n) => `Page ${n}`));
  });

  it('searches literally: a wildcard is a character', async () => {
    await create({ name: '100% Hair_Art', city: 'Oslo' });
    const names = async (q: string) =>
      (await read(`/api/salons?q=${encodeURIComponent(q)}`)).body.items.map(
        (salon: { name: string }) => salon.name,
      );
    expect(await names('0% hair_')).to.deep.equal(['100% Hair_Art']);
    expect(await names('%_%_%_%')).to.deep.equal([]);
  });

  it('refuses a bad limit, cursor or parameter by name', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['cursor=bm9uc2Vuc2U', 'cursor'],
      ['sort=name', 'sort'],
      ['city=a&city=b', 'city'],
    ]) {
      const { status, body } = await read(`/api/salons?${query}`);
      expect([status, body.errors?.[0]?.field], query).to.deep.equal([422, field]);
    }
  });
});
