import { expect } from 'chai';
import { SECRET, startPanel, type TestPanel } from './support.ts';

const LIST = '/admin/api/resources/salons/actions/list';

describe('admin session', () => {
  let panel: TestPanel;

  beforeEach(async () => {
    panel = await startPanel();
    await panel.addAdmin('ada@example.org');
  });
  afterEach(() => panel.close());

  async function loggedIn() {
    const browser = panel.browser();
    await browser.login('ada@example.org');
    expect((await browser.send(LIST)).status).to.equal(200);
    return browser;
  }

  // Mutation tried: keeping the id the browser came with.
  it('gets a new id at login, and the one from before is worth nothing', async () => {
    const browser = panel.browser();
    browser.cookies.set('__Host-atlas', 'planted-by-somebody-else');
    await browser.login('ada@example.org');
    const first = browser.sessionCookie;
    expect(first).not.to.equal('planted-by-somebody-else');
    await browser.login('ada@example.org');
    expect(browser.sessionCookie).not.to.equal(first);
    const thief = panel.browser();
    thief.cookies.set('__Host-atlas', first ?? '');
    expect((await thief.send(LIST)).status).to.equal(401);
    expect(await panel.db('admin_sessions')).to.have.length(1);
  });

  // Mutation tried: only removing the cookie.
  it('is revoked at logout, not only forgotten by the browser', async () => {
    const browser = await loggedIn();
    const cookie = browser.sessionCookie ?? '';
    const response = await browser.send('/admin/logout', { method: 'POST' });
    expect(response.status).to.equal(303);
    expect(response.headers.get('location')).to.equal('/admin/login');
    expect(browser.sessionCookie).to.equal(undefined);
    browser.cookies.set('__Host-atlas', cookie);
    expect((await browser.send(LIST)).status).to.equal(401);
  });

  it('is not ended by opening a link, nor by another site', async () => {
    const browser = await loggedIn();
    const link = await browser.send('/admin/logout', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(await link.text()).not.to.contain('<script');
    const forged = { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await browser.send('/admin/logout', forged)).status).to.equal(403);
    expect((await browser.send(LIST)).status).to.equal(200);
  });

  for (const [what, change] of [
    ['is over after its seven days', { expires_at: "now() - interval '1 second'" }],
    ['is over after twelve idle hours', { last_seen_at: "now() - interval '12 hours 1 second'" }],
  ] as const) {
    it(what, async () => {
      const browser = await loggedIn();
      const [[column, value]] = Object.entries(change) as [[string, string]];
      await panel.db('admin_sessions').update({ [column]: panel.db.raw(value) });
      expect((await browser.send(LIST)).status).to.equal(401);
      expect((await browser.send('/admin')).headers.get('location')).to.equal('/admin/login');
    });
  }

  it('stays alive while it is used', async () => {
    const browser = await loggedIn();
    await panel.db('admin_sessions').update({ last_seen_at: panel.db.raw("now() - interval '11 hours'") });
    await browser.send(LIST);
    const { rows } = await panel.db.raw(
      "select last_seen_at > now() - interval '1 minute' as fresh from admin_sessions",
    );
    expect(rows).to.deep.equal([{ fresh: true }]);
  });

  it('ends when its admin is disabled', async () => {
    const browser = await loggedIn();
    await panel.db('admins').update({ disabled_at: panel.db.fn.now() });
    expect((await browser.send(LIST)).status).to.equal(401);
  });

  it('is stored as a keyed hash: the table gives nobody a cookie, and another secret knows nobody', async () => {
    const browser = await loggedIn();
    const row = await panel.db('admin_sessions').first();
    expect(row).to.include({ ip: '192.0.2.1' });
    expect(JSON.stringify(row)).not.to.contain(browser.sessionCookie);
    const rotated = await import('../../src/admin/session.ts').then(({ sessions }) =>
      sessions(panel.db, `${SECRET}2`, { secureCookies: true }),
    );
    const ctx = { cookies: { get: () => browser.sessionCookie } } as never;
    expect(await rotated.owner(ctx)).to.equal(undefined);
  });
});
