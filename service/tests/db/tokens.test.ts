import { expect } from 'chai';
import type { Knex } from 'knex';
import { findToken, insertToken, listTokens, newToken, revokeToken } from '../../src/db/tokens.ts';
import { createDatabase } from '../backends/index.ts';

describe('tokens', () => {
  let db: Knex;
  before(async () => {
    ({ db } = await createDatabase());
  });
  after(() => db.destroy());

  it('are found by what was shown once, and stored only as a hash', async () => {
    const token = newToken();
    expect(token).to.match(/^atlas_[A-Za-z0-9_-]{43}$/);
    await insertToken(db, 'ci', token);
    expect(await findToken(db, token)).to.deep.include({ name: 'ci', scope: 'write', state: 'live' });
    const [row] = await db('api_tokens');
    expect(JSON.stringify(row)).to.not.contain(token.slice(6));
    expect(row.last_used_at).to.be.instanceOf(Date);
  });

  it('are not found when one character differs, or by their hash', async () => {
    const token = newToken();
    await insertToken(db, 'other', token);
    const last = token.at(-1) === 'A' ? 'Q' : 'A';
    const { token_hash: hash } = await db('api_tokens').where({ name: 'other' }).first();
    for (const wrong of [token.slice(0, -1) + last, token.toUpperCase(), hash, '', 'atlas_']) {
      expect(await findToken(db, wrong)).to.equal(undefined);
    }
  });

  it('expire after a year unless somebody says otherwise, and then their use is not noted', async () => {
    const days = async (name: string, options?: { days: number }) => {
      await insertToken(db, name, newToken(), options);
      const { rows } = await db.raw(
        "select expires_at - created_at = interval '365 days' as year, expires_at is null as never from api_tokens where name = ?",
        [name],
      );
      return rows[0];
    };
    expect(await days('default')).to.deep.equal({ year: true, never: false });
    expect(await days('for ever', { days: 0 })).to.deep.equal({ year: null, never: true });
    const token = newToken();
    await insertToken(db, 'old', token, { days: 1 });
    await db('api_tokens').where({ name: 'old' }).update({ expires_at: db.fn.now() });
    expect(await findToken(db, token)).to.include({ state: 'expired' });
    expect((await listTokens(db))[0]).to.include({ name: 'old', state: 'expired', lastUsedAt: null });
  });

  it('work as before when an earlier release made them', async () => {
    const token = newToken();
    await insertToken(db, 'earlier', token);
    // What a row had before scopes and expiry came.
    await db('api_tokens')
      .where({ name: 'earlier' })
      .update({ expires_at: null, scope: db.raw('default') });
    expect(await findToken(db, token)).to.include({ scope: 'write', state: 'live' });
  });

  it('are revoked once, and stay in the list', async () => {
    const token = newToken();
    const id = await insertToken(db, 'lost', token);
    expect(await revokeToken(db, id)).to.equal(true);
    expect(await revokeToken(db, id)).to.equal(false);
    expect(await findToken(db, token)).to.include({ state: 'revoked' });
    expect((await listTokens(db)).map(({ name }) => name)).to.include('lost');
  });
});
