import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { type Browser, startPanel, type TestPanel } from './support.ts';

// What @adminjs/koa's own login lets through: it looks for an asset's name anywhere in the URL.
const BYPASSES = [
  '?x=/frontend/assets/logo.svg',
  '?/admin/frontend/assets/app.bundle.js',
  '?components.bundle.js',
];
const NEW = '/admin/api/resources/salons/actions/new';
const LIST = '/admin/api/resources/salons/actions/list';

describe('admin guard', () => {
  let panel: TestPanel;
  let browser: Browser;

  before(async () => {
    panel = await startPanel();
    await panel.addAdmin('ada@example.org');
    await panel.db('salons').insert({ name: 'Rose', slug: 'rose', city: 'Shiraz' });
  });
  beforeEach(() => {
    browser = panel.browser();
  });
  after(() => panel.close());

  it('leaves every other path alone', async () => {
    for (const path of ['/', '/administrator', '/api/admin/', '/Admin', '/admin%2Fapi', '//admin/login']) {
      expect(await (await browser.send(path)).text(), path).to.equal('not the panel');
    }
  });

  describe('logged out', () => {
    it('leads pages to the login', async () => {
      for (const path of ['/admin', '/admin/', '/admin/resources/salons', '/admin/frontend/assets']) {
        const response = await browser.send(path);
        expect(response.status, path).to.equal(302);
        expect(response.headers.get('location')).to.equal('/admin/login');
      }
    });

    // Mutation tried: testing ctx.originalUrl for the assets' prefix with includes().
    for (const query of ['', ...BYPASSES]) {
      it(`answers 401 to ${LIST}${query}`, async () => {
        const response = await browser.send(LIST + query);
        expect(response.status).to.equal(401);
        expect(await response.text()).not.to.contain('Rose');
      });

      it(`answers 401 to POST ${NEW}${query}, and creates nothing`, async () => {
        const body = new FormData();
        body.set('name', 'Planted');
        body.set('city', 'Nowhere');
        const response = await browser.send(NEW + query, { method: 'POST', body });
        expect(response.status).to.equal(401);
        expect(await panel.db('salons').where({ name: 'Planted' })).to.deep.equal([]);
      });
    }

    it('is not talked into an asset by dots or encodings', async () => {
      for (const path of [
        `/admin/frontend/assets/..%2f..%2fapi/resources/salons/actions/list`,
        '/admin/frontend/assets/%2e%2e/package.json',
        '/admin/frontend/assets/app.bundle.js/../../../api/resources/salons/actions/list',
        '/admin/api/resources/salons/actions/list/frontend/assets/logo.svg',
        '/admin/frontend/assets/toString',
      ]) {
        expect((await browser.send(path)).status, path).to.be.oneOf([302, 401, 404]);
      }
    });

    // Mutation tried: the guard after the router's form parser never answers this request.
    it('answers before it has read a byte of a body', async () => {
      const status = await new Promise((resolve, reject) => {
        const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '1000000' };
        const upload = request(panel.origin + NEW, { method: 'POST', headers }, (response) => {
          resolve(response.statusCode);
          upload.destroy();
        });
        upload.on('error', reject);
        upload.flushHeaders();
      });
      expect(status).to.equal(401);
    });
  });

  describe('logged in', () => {
    beforeEach(() => browser.login('ada@example.org'));

    // Mutation tried: no check of the origin in enter().
    for (const [what, headers] of Object.entries({
      'another site': { 'sec-fetch-site': 'cross-site' },
      'a sibling of this host': { 'sec-fetch-site': 'same-site' },
      'an older browser on another site': { 'sec-fetch-site': 'none', origin: 'https://evil.example' },
    })) {
      it(`refuses a POST from ${what}`, async () => {
        const body = new FormData();
        body.set('name', 'Forged');
        body.set('city', 'Nowhere');
        // 'none' removes the header, see Browser.send.
        expect((await browser.send(NEW, { method: 'POST', body, headers })).status).to.equal(403);
        expect(await panel.db('salons').where({ name: 'Forged' })).to.deep.equal([]);
      });
    }

    it('refuses a POST that does not say where it comes from', async () => {
      const headers = { 'sec-fetch-site': 'none', origin: 'none' };
      expect((await browser.send(NEW, { method: 'POST', headers })).status).to.equal(403);
    });

    it('takes a POST of an older browser from this very site', async () => {
      const headers = { 'sec-fetch-site': 'none' };
      const response = await browser.send('/admin/api/resources/salons/records/1/show', {
        method: 'POST',
        headers,
      });
      expect(response.status).to.equal(200);
    });

    it('refuses other methods, other types of body, and large ones', async () => {
      const post = { method: 'POST', body: 'x' };
      const octets = { 'content-type': 'application/octet-stream' };
      expect((await browser.send(LIST, { method: 'DELETE' })).status).to.equal(405);
      expect((await browser.send(NEW, { ...post, headers: octets })).status).to.equal(415);
      const large = new FormData();
      large.set('name', 'x'.repeat(300_000));
      expect((await browser.send(NEW, { method: 'POST', body: large })).status).to.equal(413);
      const broken = { 'content-type': 'application/json' };
      expect((await browser.send(NEW, { ...post, headers: broken })).status).to.equal(400);
    });

    it('takes no file, and leaves none behind', async () => {
      const uploads = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('upload_'));
      const before = await uploads();
      const body = new FormData();
      body.set('name', new Blob(['x'.repeat(1000)]), 'name.txt');
      expect((await browser.send(NEW, { method: 'POST', body })).status).to.equal(415);
      expect(await uploads()).to.deep.equal(before);
    });

    it('knows no resource, action or page but its own', async () => {
      for (const path of [
        '/admin/api/resources/admin_login_attempts/actions/list',
        '/admin/api/resources/admin_known_addresses/actions/list',
        '/admin/api/resources/knex_migrations/actions/list',
        '/admin/api/resources/salons/actions/constructor',
        '/admin/nothing',
      ]) {
        expect((await browser.send(path)).status, path).to.equal(404);
      }
    });
  });
});
