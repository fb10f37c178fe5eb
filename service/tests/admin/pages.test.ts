import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { rewriteShell } from '../../src/admin/shell.ts';
import { type Browser, startPanel, type TestPanel } from './support.ts';

/** Addresses a page makes the browser fetch from, or a policy allows: anything absolute. */
const outside = (html: string) =>
  html.match(/(?:(?:src|href|action)=["']?|url\(["']?|@import\s+["']?)(?:https?:)?\/\/[^"')\s>]+/g);

describe('admin pages', () => {
  let panel: TestPanel;
  let browser: Browser;

  before(async () => {
    panel = await startPanel();
    await panel.addAdmin('ada@example.org');
    browser = panel.browser();
    await browser.login('ada@example.org');
  });
  after(() => panel.close());

  for (const path of ['/admin', '/admin/resources/salons', '/admin/logout']) {
    it(`sends ${path} under a strict policy, with a nonce on every script and style`, async () => {
      const response = await browser.send(path);
      const html = await response.text();
      const policy = response.headers.get('content-security-policy') ?? '';
      const [, nonce] = /script-src 'self' 'nonce-([^']+)'/.exec(policy) ?? [];
      expect(nonce).to.have.length(24);
      expect(policy).to.contain("default-src 'none'").and.contain("frame-ancestors 'none'");
      expect(policy).not.to.match(/unsafe|https?:|\*/);
      for (const tag of html.match(/<(?:script|style)\b[^>]*>/g) ?? [])
        expect(tag).to.contain(`nonce="${nonce}"`);
      expect(html).not.to.match(/\son\w+="/);
      expect(outside(html)).to.equal(null);
      expect(response.headers.get('cache-control')).to.equal('no-store');
      expect(await (await browser.send(path)).text()).not.to.contain(nonce);
    });
  }

  it('sends the login page under the same policy', async () => {
    const response = await panel.browser().send('/admin/login');
    expect(response.headers.get('content-security-policy')).to.match(/'nonce-/);
    expect(outside(await response.text())).to.equal(null);
  });

  it('tells the page the id and the e-mail of who is logged in, and nothing more', async () => {
    const html = await (await browser.send('/admin')).text();
    const [, session] = /"session":(\{[^}]*\})/.exec(html) ?? [];
    expect(JSON.parse(session ?? 'null')).to.deep.equal({ id: '1', email: 'ada@example.org' });
    expect(html).not.to.match(/password|argon2/);
  });

  // Mutation tried: giving out nonces before escaping.
  it('keeps markup in the state from becoming markup, or getting a nonce', () => {
    const state = JSON.stringify({ name: '</script><script>alert(1)</script><!--' });
    const html = `<head><script>window.REDUX_STATE = ${state};\nwindow.THEME_COMPONENTS = {};</script></head>`;
    const page = rewriteShell(html, { nonce: 'N', assetUrls: new Map() });
    expect(page.match(/<script/g)).to.have.length(1);
    expect(page).not.to.contain('<!--');
    const [, json] = /REDUX_STATE = (.*);\n/.exec(page) ?? [];
    expect(JSON.parse(json ?? '')).to.deep.equal(JSON.parse(state));
  });

  it('refuses to send a page that it cannot make safe', () => {
    expect(() => rewriteShell('<html></html>', { nonce: 'N', assetUrls: new Map() })).to.throw(
      'unknown shape',
    );
  });

  it('serves what its pages ask for, for ever by version', async () => {
    const html = await (await browser.send('/admin')).text();
    const scripts = [...html.matchAll(/<script [^>]*src="([^"]+)"/g)].map(([, src]) => src ?? '');
    expect(scripts).to.have.length(5);
    for (const src of scripts) {
      const response = await panel.browser().send(src);
      expect(response.status, src).to.equal(200);
      expect(response.headers.get('content-type')).to.contain('javascript');
      expect(response.headers.get('cache-control')).to.contain('immutable');
      const etag = response.headers.get('etag') ?? '';
      // fetch would ask for no-cache by itself.
      const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
      const again = await panel.browser().send(src.replace(/\?.*/, '?v=older'), { headers });
      expect(again.status).to.equal(304);
      expect(again.headers.get('cache-control')).not.to.contain('immutable');
      await response.arrayBuffer();
    }
  });

  it('writes nothing beside itself', () => {
    expect(existsSync('.adminjs')).to.equal(false);
  });
});

describe('admin pages with media elsewhere', () => {
  it('lets pictures come from where the media are, and nothing else', async () => {
    const elsewhere = await startPanel({ mediaOrigin: 'https://cdn.example.org' });
    try {
      await elsewhere.addAdmin('ada@example.org');
      const visitor = elsewhere.browser();
      await visitor.login('ada@example.org');
      const policy = (await visitor.send('/admin')).headers.get('content-security-policy') ?? '';
      expect(policy).to.contain("img-src 'self' data: https://cdn.example.org;");
      expect(policy.match(/https:/g)).to.have.length(1);
    } finally {
      await elsewhere.close();
    }
  });
});
