import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { openPage, shoot as shootPage, useBrowser } from './chromium.ts';
import { PASSWORD, startPanel, type TestPanel } from './support.ts';

describe('admin panel in a browser', function () {
  this.timeout(60_000);
  let panel: TestPanel;
  const browser = useBrowser();
  let page: Page;
  /** Everything a visitor's console would show, and every request to somebody else. */
  let complaints: string[];

  beforeEach(async () => {
    panel = await startPanel({ secureCookies: false });
    await panel.addAdmin('ada@example.org');
    await panel.db('salons').insert({ name: 'سالن رز', slug: 'rose', city: 'Shiraz' });
    ({ page, complaints } = await openPage(browser(), panel.origin));
  });
  afterEach(async () => {
    await page.context().close();
    await panel.close();
  });

  const shoot = (name: string) => shootPage(page, name);

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

  it('makes a user who logs in and takes a password of their own, and a token; the log has it all', async () => {
    await logIn();
    await page.goto(`${panel.origin}/admin/resources/admins`);
    await page.getByText('New user').click();
    await page.getByLabel('E-mail').fill('new@example.org');
    await shoot('new-user');
    await page.getByRole('button', { name: 'Create user' }).click();
    const password = (await page.locator('#secret').textContent()) ?? '';
    await shoot('shown-once');
    await page.getByRole('link', { name: 'I have kept it' }).click();
    await page.getByRole('cell', { name: 'new@example.org' }).waitFor();
    expect(await page.getByText('Audit log').count()).to.equal(1);
    await shoot('users');
    await page.goto(`${panel.origin}/admin/resources/api_tokens`);
    await page.getByText('New token').click();
    await page.getByLabel('Name').fill('app');
    await shoot('new-token');
    await page.getByRole('button', { name: 'Create token' }).click();
    await page.getByRole('link', { name: 'I have kept it' }).click();
    await page.getByRole('cell', { name: 'app' }).waitFor();
    await page.goto(`${panel.origin}/admin/resources/admin_sessions`);
    await page.getByRole('cell', { name: 'ada@example.org' }).waitFor();
    await shoot('sessions');
    await page.goto(`${panel.origin}/admin/resources/admin_audit`);
    await page.getByRole('cell', { name: 'api_tokens' }).waitFor();
    await shoot('audit');
    await page.getByRole('cell', { name: 'api_tokens' }).click();
    await page.getByText('"scope": "write"').waitFor();
    await shoot('audit-entry');

    await page.context().clearCookies();
    await page.goto(`${panel.origin}/admin/login`);
    await page.getByLabel('E-mail').fill('new@example.org');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('new@example.org').click();
    await shoot('editor-menu');
    expect(await page.getByText('Audit log').count()).to.equal(0);
    await page.getByText('Change password').click();
    await page.getByLabel('Current password').fill(password);
    await page.getByLabel('New password, 12').fill('four words of mine');
    await page.getByLabel('New password again').fill('four words of mine');
    await shoot('password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('heading', { name: 'Password changed' }).waitFor();
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
