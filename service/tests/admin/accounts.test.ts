import { expect } from 'chai';
import { type Browser, PASSWORD, startPanel, type TestPanel } from './support.ts';

const USERS = '/admin/api/resources/admins';
const TOKENS = '/admin/api/resources/api_tokens';
const SESSIONS = '/admin/api/resources/admin_sessions';
const AUDIT = '/admin/api/resources/admin_audit';
const SALONS = '/admin/api/resources/salons';

describe('accounts in the panel', function () {
  // The first request loads AdminJS from source.
  this.timeout(60_000);
  let panel: TestPanel;
  let ada: Browser;

  beforeEach(async () => {
    panel = await startPanel();
    await panel.addAdmin('ada@example.org');
    ada = panel.browser();
    await ada.login('ada@example.org');
  });
  afterEach(() => panel.close());

  const post = (browser: Browser, path: string, fields: Record<string, string>) =>
    browser.send(path, { method: 'POST', body: new URLSearchParams(fields) });
  const secretOf = (html: string) => /id="secret">([^<]+)</.exec(html)?.[1] ?? '';
  const actions = () => panel.db('admin_audit').orderBy('id').pluck('action');

  // Mutation tried: assertMayOpen that lets everybody pass.
  it('keeps editors out of everything but salons and photos, whatever they ask', async () => {
    await panel.addAdmin('eve@example.org', 'editor');
    const eve = panel.browser();
    await eve.login('eve@example.org');
    for (const resource of [USERS, TOKENS, SESSIONS, AUDIT]) {
      for (const action of [
        'actions/list',
        'actions/search/a',
        'actions/new',
        'records/1/show',
        'records/1/edit',
      ]) {
        expect((await eve.send(`${resource}/${action}`)).status, action).to.equal(403);
      }
      for (const action of [
        'actions/new',
        'records/1/edit',
        'records/1/delete',
        'bulk/bulkDelete?recordIds=1',
      ]) {
        const body = new URLSearchParams({ role: 'admin', email: 'x@example.org' });
        expect((await eve.send(`${resource}/${action}`, { method: 'POST', body })).status, action).to.equal(
          403,
        );
      }
    }
    for (const path of [
      '/admin/users/new',
      '/admin/tokens/new',
      '/admin/resources/admins',
      '/admin/pages/x',
    ]) {
      expect((await eve.send(path)).status, path).to.equal(403);
    }
    const body = new URLSearchParams({ email: 'x@example.org', role: 'admin' });
    expect((await eve.send('/admin/users/new', { method: 'POST', body })).status).to.equal(403);
    expect((await eve.send(`/admin/api/resources/%61dmins/actions/list`)).status).to.equal(403);
    expect((await eve.send(`${SALONS}/actions/list`)).status).to.equal(200);
    expect((await eve.send('/admin/password')).status).to.equal(200);
    expect(await panel.db('admins')).to.have.length(2);
  });

  it('makes a user whose password is shown once, and who can log in with it', async () => {
    const response = await post(ada, '/admin/users/new', { email: 'New@Example.org', role: 'editor' });
    expect(response.status).to.equal(201);
    const password = secretOf(await response.text());
    expect((await panel.browser().login('new@example.org', password)).status).to.equal(303);
    const entry = await panel.db('admin_audit').where({ action: 'create' }).first();
    expect(entry).to.deep.include({ email: 'ada@example.org', ip: '192.0.2.1', resource: 'admins' });
    expect(entry.after).to.deep.equal({ email: 'new@example.org', role: 'editor' });
    expect(JSON.stringify(await panel.db('admin_audit')))
      .not.to.contain(password)
      .and.not.contain('argon2');
    expect(
      (await post(ada, '/admin/users/new', { email: 'new@example.org', role: 'editor' })).status,
    ).to.equal(409);
    const list = await (await ada.send(`${USERS}/actions/list`)).text();
    expect(list).to.contain('new@example.org').and.not.contain('argon2').and.not.contain('password_hash');
  });

  it('makes a token that is shown once, and revokes it', async () => {
    const response = await post(ada, '/admin/tokens/new', { name: 'app', scope: 'read', days: '7' });
    expect(secretOf(await response.text())).to.match(/^atlas_[\w-]{43}$/);
    await ada.submit(`${TOKENS}/records/1/delete`, {});
    expect((await panel.db('api_tokens').first()).revoked_at).to.be.a('date');
    expect(await actions()).to.deep.equal(['login', 'create', 'revoke']);
    expect(await (await ada.send(`${TOKENS}/actions/list`)).text()).not.to.contain('token_hash');
  });

  it('logs a disabled user out at once, and says so in the log', async () => {
    const id = await panel.addAdmin('bob@example.org');
    const bob = panel.browser();
    await bob.login('bob@example.org');
    await ada.submit(`${USERS}/records/${id}/edit`, { enabled: 'false' });
    expect((await bob.send('/admin/api/dashboard')).status).to.equal(401);
    expect(await panel.db('admin_sessions')).to.have.length(1);
    const entry = await panel.db('admin_audit').where({ action: 'update' }).first();
    expect([entry.before.enabled, entry.after.enabled]).to.deep.equal([true, false]);
  });

  // Mutation tried: no lockAdmins; both are gone.
  it('keeps one administrator, also when two disable each other at once', async () => {
    for (const fields of [{ enabled: 'false' }, { role: 'editor' }]) {
      const { record } = await ada.submit(`${USERS}/records/1/edit`, fields);
      expect(record.errors.role?.message).to.contain('last administrator');
    }
    await ada.submit(`${USERS}/records/1/delete`, {});
    expect(await panel.db('admins').where({ role: 'admin', disabled_at: null })).to.have.length(1);
    const id = await panel.addAdmin('bob@example.org');
    const bob = panel.browser();
    await bob.login('bob@example.org');
    for (let round = 0; round < 5; round++) {
      await Promise.allSettled([
        ada.submit(`${USERS}/records/${id}/edit`, { enabled: 'false' }),
        bob.submit(`${USERS}/records/1/edit`, { enabled: 'false' }),
      ]);
      expect(await panel.db('admins').where({ role: 'admin', disabled_at: null })).to.have.length(1);
      await panel.db('admins').update({ disabled_at: null });
      await Promise.all([ada.login('ada@example.org'), bob.login('bob@example.org')]);
    }
  });

  it('lists sessions, marks the one that asks, and ends another', async () => {
    const other = panel.browser();
    await other.login('ada@example.org');
    const { records } = await ada.json(`${SESSIONS}/actions/list`);
    expect(records.map(({ params }) => params.current)).to.have.members([true, false]);
    expect(records[0]?.params).not.to.have.property('id_hash');
    const id = records.find(({ params }) => !params.current)?.params.id;
    await ada.submit(`${SESSIONS}/records/${id}/delete`, {});
    expect((await other.send('/admin/api/dashboard')).status).to.equal(401);
    expect((await ada.send('/admin/api/dashboard')).status).to.equal(200);
  });

  // Mutation tried: the entry written beside the transaction; the salon was there without it.
  it('commits no change without its entry, and writes no entry without its change', async () => {
    const fields = { name: 'Rose', city: 'Shiraz' };
    await ada.submit(`${SALONS}/actions/new`, fields);
    await ada.submit(`${SALONS}/records/1/edit`, { city: 'x'.repeat(101) });
    expect(await actions()).to.deep.equal(['login', 'create']);
    await panel.db.raw("alter table admin_audit add constraint refused check (action = 'login') not valid");
    try {
      await ada.submit(`${SALONS}/actions/new`, { ...fields, name: 'Lily' });
      await ada.submit(`${SALONS}/records/1/edit`, { city: 'Tabriz' });
      await ada.submit(`${SALONS}/records/1/delete`, {});
      await ada.send('/admin/users/new', {
        method: 'POST',
        body: new URLSearchParams({ email: 'x@example.org', role: 'admin' }),
      });
    } catch {
      // Whatever it answers.
    } finally {
      await panel.db.raw('alter table admin_audit drop constraint refused');
    }
    expect(await panel.db('salons').select('name', 'city')).to.deep.equal([fields]);
    expect(await panel.db('admins')).to.have.length(1);
    await ada.submit(`${SALONS}/records/1/edit`, { city: 'Tabriz' });
    await ada.submit(`${SALONS}/records/1/delete`, {});
    const [edit] = await panel.db('admin_audit').where({ action: 'update' });
    expect([edit.before, edit.after]).to.deep.equal([{ city: 'Shiraz' }, { city: 'Tabriz' }]);
    expect((await actions()).at(-1)).to.equal('delete');
  });

  it('lets nobody change the audit log', async () => {
    for (const [path, fields] of [
      ['records/1/edit', { action: 'x' }],
      ['records/1/delete', {}],
      ['actions/new', { action: 'x' }],
      ['bulk/bulkDelete?recordIds=1', {}],
    ] as const) {
      await ada.submit(`${AUDIT}/${path}`, fields).catch(() => {});
    }
    expect(await actions()).to.deep.equal(['login']);
  });

  it('notes logins, failures without what was typed, and logouts', async () => {
    await panel.browser().login('ada@example.org', 'wrong');
    await panel.browser().login('my-password@example.org', 'wrong');
    await ada.send('/admin/logout', { method: 'POST' });
    const entries = await panel.db('admin_audit').orderBy('id').select('action', 'email');
    expect(entries).to.deep.equal([
      { action: 'login', email: 'ada@example.org' },
      { action: 'login_failed', email: 'ada@example.org' },
      { action: 'login_failed', email: null },
      { action: 'logout', email: 'ada@example.org' },
    ]);
  });

  describe('password', () => {
    const NEW = 'four words of mine';
    const change = (fields: Record<string, string>) =>
      post(ada, '/admin/password', { current: PASSWORD, new: NEW, again: NEW, ...fields });

    // Mutation tried: keeping the other sessions.
    it('is changed: other sessions end, this one goes on under a new id', async () => {
      const other = panel.browser();
      await other.login('ada@example.org');
      const before = ada.sessionCookie;
      expect((await change({})).status).to.equal(200);
      expect(ada.sessionCookie).not.to.equal(before);
      expect((await ada.send('/admin/api/dashboard')).status).to.equal(200);
      expect((await other.send('/admin/api/dashboard')).status).to.equal(401);
      expect(await panel.db('admin_sessions')).to.have.length(1);
      expect((await panel.browser().login('ada@example.org', PASSWORD)).status).to.equal(401);
      expect((await panel.browser().login('ada@example.org', NEW)).status).to.equal(303);
      expect(await actions()).to.include('change_password');
    });

    it('is not changed without the current one, to a bad one, or from another site', async () => {
      expect((await change({ current: 'wrong' })).status).to.equal(403);
      for (const bad of ['short', 'ada@example.org', 'x'.repeat(201), PASSWORD]) {
        expect((await change({ new: bad, again: bad })).status, bad).to.equal(422);
      }
      expect((await change({ again: 'another one of mine' })).status).to.equal(422);
      const body = new URLSearchParams({ current: PASSWORD, new: NEW, again: NEW });
      const headers = { 'sec-fetch-site': 'cross-site' };
      expect((await ada.send('/admin/password', { method: 'POST', body, headers })).status).to.equal(403);
      expect((await panel.browser().send('/admin/password')).status).to.equal(302);
      expect((await panel.browser().login('ada@example.org')).status).to.equal(303);
    });

    it('is guessed through a session no faster than at the login', async () => {
      for (let i = 0; i < 5; i++) expect((await change({ current: `wrong ${i}` })).status).to.equal(403);
      expect((await change({})).status).to.equal(429);
    });
  });

  describe('lockout by account', () => {
    async function attack(email: string) {
      const statuses: number[] = [];
      for (let i = 0; i < 13; i++) {
        const browser = panel.browser({ ip: `198.51.100.${i + 1}` });
        const tries = Array.from({ length: 4 }, () => browser.login(email, 'wrong'));
        statuses.push(...(await Promise.all(tries)).map(({ status }) => status));
      }
      return statuses;
    }

    // Mutation tried: no count for the account everywhere; no exemption for known addresses.
    it('comes after fifty tries from many addresses, whether there is such an account or not', async () => {
      for (const email of ['ada@example.org', 'nobody@example.org']) {
        expect(
          (await attack(email)).filter((status) => status === 401),
          email,
        ).to.have.length(50);
      }
      const elsewhere = panel.browser({ ip: '203.0.113.1' });
      expect((await elsewhere.login('ada@example.org')).status).to.equal(429);
      const home = panel.browser();
      expect((await home.login('ada@example.org', 'wrong')).status).to.equal(401);
      expect((await home.login('ada@example.org')).status).to.equal(303);
      await panel
        .db('admin_known_addresses')
        .update({ last_login_at: panel.db.raw("now() - interval '31 days'") });
      expect((await panel.browser().login('ada@example.org')).status).to.equal(429);
    });
  });
});
