import { expect } from 'chai';
import type { Knex } from 'knex';
import { findToken, insertToken, newToken } from '../../src/db/tokens.ts';
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
    expect(await findToken(db, token)).to.deep.include({ name: 'ci' });
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
});
