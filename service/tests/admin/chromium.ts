import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

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

/** Gives the suite that calls it a headless browser, from its first test to its last; skips it where none is installed. */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  before(async function () {
    if (CHROMIUM) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    else {
      console.log('      skipped: no browser here (apt-get install chromium)');
      this.skip();
    }
  });
  after(() => browser?.close());
  return () => {
    if (!browser) throw new Error('the browser is there from the first test on');
    return browser;
  };
}

/**
 * A page of its own, and what a visitor could complain of: everything on its console, and every request to
 * somebody else than `origin`.
 */
export async function openPage(
  browser: Browser,
  origin: string,
): Promise<{ page: Page; complaints: string[] }> {
  const complaints: string[] = [];
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) complaints.push(`asked ${url}`);
  });
  return { page, complaints };
}

/** Writes a screenshot when somebody wants them. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/admin-${name}.png` });
}
