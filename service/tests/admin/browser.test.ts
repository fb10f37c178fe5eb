import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { PASSWORD, startPanel, type TestPanel } from './support.ts';

/** Debian's Chromium, Ubuntu's snap, or the Chrome of GitHub's runners. */
const CHROMIUM = ['/usr/bin/chromium', '/snap/bin/chromium', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Where to put screenshots, for whoever wants to look. */
const SHOTS = process.env.SCREENSHOTS_DIR;

describe('admin panel in a browser', function () {
  this.timeout(60_000);
  let panel: TestPanel;
  let browser: Browser;
  let page: Page;
  /** Everything a visitor's console would show, and every request to somebody else. */
  let complaints: string[];

  before(async function () {
    if (!CHROMIUM) {
      console.log('      skipped: no browser here (apt-get install chromium)');
      return this.skip();
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    panel = await startPanel({ secureCookies: false });
    await panel.addAdmin('ada@example.org');
    await panel.db('salons').insert({ name: 'سالن رز', slug: 'rose', city: 'Shiraz' });
    complaints = [];
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol !== 'data:' && url.origin !== panel.origin) complaints.push(`asked ${url}`);
    });
  });
  afterEach(async () => {
    await page.context().close();
    await panel.close();
  });

  async function shoot(name: string): Promise<void> {
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/admin-${name}.png` });
  }

  async function logIn(): Promise<void> {
    await page.goto(`${panel.origin}/admin`);
    expect(page.url()).to.equal(`${panel.origin}/admin/login`);
    await page.getByLabel('E-mail').fill('ada@example.org');
    await page.getByLabel('Password').fill(PASSWORD);
    await shoot('login');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('1 published').waitFor();
  }

  // Mutation tried: leaving Google's stylesheet in, or Emotion's styles without a nonce, is complained of here.
  it('is logged in to, shows, filters, creates, edits, deletes, and is left, without a complaint', async () => {
    await logIn();
    await shoot('dashboard');
    await page.getByRole('link', { name: 'Salons', exact: true }).first().click();
    await page.getByRole('cell', { name: 'سالن رز' }).waitFor();
    await shoot('salons');

    await page.getByText('New salon').click();
    await page.locator('#name').fill('Lily');
    await page.locator('#city').fill('Isfahan');
    await page.locator('#slug').fill('No Slug');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('such as "no-slug"').waitFor();
    await shoot('errors');
    await page.locator('#slug').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'Isfahan' }).waitFor();
    expect(await panel.db('salons').where({ slug: 'lily' }).first()).to.include({ published: false });

    await page.goto(`${panel.origin}/admin/resources/salons/records/2/edit`);
    await page.locator('#city').fill('Tabriz');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'Tabriz' }).waitFor();

    await page.goto(`${panel.origin}/admin/resources/salons/records/2/show`);
    await page.getByText('Delete', { exact: true }).click();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('cell', { name: 'سالن رز' }).waitFor();
    expect(await panel.db('salons')).to.have.length(1);

    await page.goto(`${panel.origin}/admin/resources/photos`);
    await page.getByText('Filter', { exact: true }).click();
    await page.getByRole('combobox').first().click();
    await page.getByText('سالن رز').waitFor();
    await shoot('filter');

    await page.goto(`${panel.origin}/admin/logout`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await panel.db('admin_sessions')).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });

  it('logs out from its own menu with one click', async () => {
    await logIn();
    await page.getByText('ada@example.org').click();
    await page.getByText('Log out', { exact: false }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await panel.db('admin_sessions')).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });

  it('goes to the login when the session ends under an open page', async () => {
    await logIn();
    await panel.db('admin_sessions').delete();
    await page.getByRole('link', { name: 'Salons', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });

  it('shows a login page at night and on a telephone', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${panel.origin}/admin/login`);
    await page.getByLabel('E-mail').fill('ada@example.org');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await shoot('login-dark');
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
  });
});
