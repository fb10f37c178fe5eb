import { expect } from 'chai';
import type { Knex } from 'knex';
import { checkPassword } from '../../src/admin/password.ts';
import { createDatabase } from '../backends/index.ts';
import { runRole } from '../support/process.ts';

describe('admin create', function () {
  this.timeout(60_000);
  let db: Knex;
  let url: string;

  before(async () => {
    ({ db, url } = await createDatabase());
  });
  after(() => db.destroy());

  const run = (...args: string[]) => runRole(['admin', ...args], { DATABASE_URL: url });

  const storedHash = async () =>
    (await db('admins').where({ email: 'ada@example.org' }).first()).password_hash;

  it('prints a password alone on stdout, once, and stores only its hash', async () => {
    const { code, stdout, stderr } = await run('create', 'Ada@Example.org');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^[A-Za-z0-9]{24}\n$/);
    expect(stderr).to.contain('Admin ada@example.org created').and.not.contain(stdout.trim());
    expect(await storedHash()).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await checkPassword(await storedHash(), stdout.trim())).to.equal(true);
  });

  it('changes nothing when there is one already, and says what would', async () => {
    const before = await storedHash();
    const { code, stdout, stderr } = await run('create', 'ada@example.org');
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.contain('--reset');
    expect(await storedHash()).to.equal(before);
  });

  it('gives a new password with --reset, and ends the sessions of the old one', async () => {
    const session = { id_hash: 'x', admin_id: 1, expires_at: '2100-01-01', ip: '::1', user_agent: '' };
    await db('admin_sessions').insert(session);
    const { code, stdout } = await run('create', 'ada@example.org', '--reset');
    expect(code).to.equal(0);
    expect(await checkPassword(await storedHash(), stdout.trim())).to.equal(true);
    expect(await db('admin_sessions')).to.deep.equal([]);
  });

  it('refuses what is no e-mail address, and wrong words, with code 2', async () => {
    for (const args of [
      ['create', 'ada'],
      ['create'],
      ['delete', 'ada@example.org'],
      ['create', 'a@b.co', 'x'],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect({ code, stdout }, args.join(' ')).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.contain('usage: admin create EMAIL');
    }
  });
});
