import { expect } from 'chai';
import type { Middleware } from 'koa';
import { pino } from 'pino';
import { adminPanel } from '../../src/admin/panel.ts';
import { hashPassword } from '../../src/admin/password.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { Browser, PASSWORD, SECRET } from './support.ts';

describe('admin panel in the api', () => {
  let directory: TestDirectory;
  let browser: Browser;

  before(async () => {
    // The panel needs the directory's database, and the directory its panel.
    let panel: Middleware | undefined;
    directory = await startDirectory({ admin: (ctx, next) => panel?.(ctx, next) });
    panel = adminPanel({
      db: directory.db,
      log: pino({ level: 'silent' }),
      sessionSecret: SECRET,
      onChange: () => directory.deps.cache.invalidate(),
    });
    await directory
      .db('admins')
      .insert({ email: 'ada@example.org', password_hash: await hashPassword(PASSWORD) });
    browser = new Browser(directory.url, '192.0.2.1');
    await browser.login('ada@example.org');
  });
  after(() => directory.stop());

  it('changes what the next reader of the API sees', async () => {
    await browser.submit('/admin/api/resources/salons/actions/new', {
      name: 'Rose',
      city: 'Shiraz',
      published: 'true',
    });
    expect((await directory.call('GET', '/api/salons/rose')).body.city).to.equal('Shiraz');
    const { id } = await directory.db('salons').first('id');
    await browser.submit(`/admin/api/resources/salons/records/${id}/edit`, { city: 'Tabriz' });
    expect((await directory.call('GET', '/api/salons/rose')).body.city).to.equal('Tabriz');
    await browser.submit(`/admin/api/resources/salons/records/${id}/delete`, {});
    expect((await directory.call('GET', '/api/salons/rose')).status).to.equal(404);
  });

  it('names the release, refuses in problem+json and keeps its own headers when it does', async () => {
    const response = await directory.call('GET', '/admin/api/dashboard');
    expect(response.status).to.equal(401);
    expect(response.headers.get('x-release')).to.equal('test-release');
    expect(response.headers.get('content-type')).to.contain('application/problem+json');
    expect(response.headers.get('x-robots-tag')).to.contain('noindex');
    expect(response.body).to.include({ status: 401, detail: 'Log in first' });
  });

  it('answers what AdminJS cannot do with a problem, not with its stack', async () => {
    const response = await browser.send('/admin/api/resources/salons/bulk/bulkDelete');
    expect(response.status).to.equal(404);
    expect(response.headers.get('content-type')).to.contain('application/problem+json');
    expect(await response.text()).not.to.contain('node_modules');
  });
});
