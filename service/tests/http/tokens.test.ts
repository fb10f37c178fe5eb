import { expect } from 'chai';
import { insertToken, newToken, revokeToken } from '../../src/db/tokens.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';

describe('an API token', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
    const json = { name: 'Hidden', city: 'Wien', published: false };
    await directory.call('POST', '/api/salons', { as: 'owner', json });
  });
  after(() => directory.stop());

  async function tokenOf(options: Parameters<typeof insertToken>[3]) {
    const token = newToken();
    const id = await insertToken(directory.db, 'test', token, options);
    const headers = { Authorization: `Bearer ${token}` };
    return {
      id,
      call: (method: string, path: string, body = {}) => directory.call(method, path, { headers, ...body }),
    };
  }

  // Mutation tried: no look at the scope in requireToken.
  it('of scope read sees what is hidden, and changes nothing', async () => {
    const { call } = await tokenOf({ scope: 'read' });
    expect((await call('GET', '/api/salons/hidden')).body.name).to.equal('Hidden');
    const photo = { body: photoForm(await gradient(40, 30).jpeg().toBuffer()) };
    for (const [method, path, body] of [
      ['POST', '/api/salons', { json: { name: 'New', city: 'Wien' } }],
      ['PATCH', '/api/salons/hidden', { json: { published: true } }],
      ['POST', '/api/salons/hidden/photos', photo],
      ['DELETE', '/api/photos/1', {}],
      ['DELETE', '/api/salons/hidden', {}],
    ] as const) {
      const answer = await call(method, path, body);
      expect(answer.status, `${method} ${path}`).to.equal(403);
      expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
      expect(answer.headers.get('www-authenticate')).to.contain('insufficient_scope');
      expect(answer.body.detail).to.contain('read only');
    }
    expect(await directory.db('salons').select('slug', 'published')).to.deep.equal([
      { slug: 'hidden', published: false },
    ]);
  });

  // Mutation tried: findToken without its look at expires_at, and at revoked_at.
  it('that is expired or revoked opens nothing, and its owner hears which', async () => {
    const old = await tokenOf({ days: 1 });
    await directory.db('api_tokens').where({ id: old.id }).update({ expires_at: directory.db.fn.now() });
    const lost = await tokenOf({});
    expect((await lost.call('GET', '/api/salons/hidden')).status).to.equal(200);
    await revokeToken(directory.db, lost.id);
    for (const [{ call }, word] of [
      [old, 'expired'],
      [lost, 'revoked'],
    ] as const) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await call(method, '/api/salons/hidden');
        expect(answer.status).to.equal(401);
        expect(answer.body.detail).to.contain(word);
      }
    }
  });
});
