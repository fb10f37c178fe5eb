import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { until } from '../backends/index.ts';
import { gradient } from '../support/images.ts';
import { openPage, shoot, useBrowser } from './chromium.ts';
import { type DirectoryPanel, startDirectoryPanel } from './directory-panel.ts';
import { PASSWORD } from './support.ts';

const DAYS_MS = 86_400_000;

/** What the server would have written, most of it of the first sort. */
function serverStatus(writtenAt = new Date()) {
  const release = (hoursAgo: number, tag: string, more: object = {}) => ({
    ...{ what: 'deploy', tag, result: 'done', seconds: 41.3, by: 'ada' },
    started: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
    ...more,
  });
  return {
    writtenAt: writtenAt.toISOString(),
    releases: [
      release(2, 'test-release'),
      release(26, 'v1.4.0', { what: 'rollback', seconds: 9.8, by: 'نگار' }),
      release(27, 'v1.5.0-a-rather-long-name-of-a-release', { result: 'undone', seconds: 63 }),
      release(200, 'v1.4.0', { by: 'ci' }),
    ],
    certificate: { issuer: "Let's Encrypt", selfSigned: false, daysTotal: 90, daysLeft: 64 },
    disk: { freeBytes: 52_300_000_000, totalBytes: 80_000_000_000 },
    backup: {
      at: new Date(Date.now() - 7 * 3_600_000).toISOString(),
      seconds: 12.4,
      bytes: 48_200_000,
      result: 'done',
    },
    drill: null,
  };
}

describe('the panel’s content in a browser', function () {
  this.timeout(90_000);
  const browser = useBrowser();
  let panel: DirectoryPanel;
  let page: Page;
  let complaints: string[];
  let directory: string;
  let origin: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'atlas-panel-'));
    panel = await startDirectoryPanel({ statusFile: join(directory, 'status.json') });
    origin = panel.directory.url;
    ({ page, complaints } = await openPage(browser(), origin));
    // AdminJS scrolls inside the window: tall ones show all of a page.
    await page.setViewportSize({ width: 1440, height: 1300 });
    await page.goto(`${origin}/admin/login`);
    await page.getByLabel('E-mail').fill('ada@example.org');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Sevra Atlas' }).waitFor();
  });
  afterEach(async () => {
    await page?.context().close();
    await panel?.stop();
    rmSync(directory, { recursive: true });
  });

  const sidewaysPixels = () =>
    page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  const writeStatus = (status: object) =>
    writeFileSync(join(directory, 'status.json'), JSON.stringify(status));
  const loaded = 'Array.from(document.images).every((image) => image.complete && image.naturalWidth > 0)';

  /** A day of a queue: quiet, a busy hour, a time in which nobody looked, one failure that stays. */
  async function addSamples(): Promise<void> {
    const minute = Math.floor(Date.now() / 60_000);
    const rows = Array.from({ length: 1440 }, (_, ago) => ago)
      .filter((ago) => ago < 420 || ago > 510)
      .map((ago) => ({
        sampled_at: new Date((minute - ago) * 60_000),
        pending: Math.max(0, Math.round(46 * Math.exp(-(((ago - 700) / 60) ** 2)) + 5 * Math.sin(ago / 40))),
        failed: ago < 640 ? 2 : 0,
      }));
    await panel.directory.db('queue_samples').insert(rows);
  }

  it('uploads photos to a new salon, shows them, orders, describes and deletes them, without a complaint', async () => {
    await panel.directory.startWorkers();
    await page.goto(`${origin}/admin/resources/salons/actions/new`);
    await page.locator('#name').fill('سالن رز');
    await page.locator('#city').fill('شیراز');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'سالن رز' }).waitFor();
    const { id } = await panel.directory.db('salons').first('id');
    await page.goto(`${origin}/admin/resources/salons/records/${id}/show`);
    await page.getByText('Add photos').waitFor();

    const file = async (name: string, width: number, height: number) => ({
      name,
      mimeType: 'image/jpeg',
      buffer: await gradient(width, height).jpeg().toBuffer(),
    });
    const text = { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a photo') };
    const input = page.locator('input[type=file]');
    await input.setInputFiles([
      await file('front.jpg', 1200, 800),
      text,
      await file('chairs.jpg', 800, 1200),
    ]);
    await page.getByText('is not an image that can be read').waitFor();
    // Mutation tried: thumbnails by the original's key; the pictures never load.
    await until(
      'both thumbnails are there',
      async () => (await page.locator('.atlas-photos img').count()) === 2 && (await page.evaluate(loaded)),
    );
    await shoot(page, 'salon-photos');
    await page.getByRole('button', { name: 'Dismiss' }).click();

    const [first, second] = await panel.directory.db('photos').orderBy('position').pluck('id');
    await page.getByLabel(`Alternative text of photo ${first}`).fill('نمای سالن');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Move it back' }).first().click();
    const photos = () => panel.directory.db('photos').orderBy('position').select('id', 'alt');
    await until('the order and the text are stored', async () => {
      const [one, other] = await photos();
      return one?.id === second && other?.alt === 'نمای سالن';
    });
    await page.setViewportSize({ width: 390, height: 2000 });
    expect(await sidewaysPixels()).to.equal(0);
    await shoot(page, 'salon-photos-telephone');
    await page.setViewportSize({ width: 1440, height: 1300 });

    await page.getByRole('button', { name: 'Delete', exact: true }).first().click();
    await page.getByRole('button', { name: 'Delete it?' }).click();
    await until('one photo is left', async () => (await photos()).length === 1);

    await page.goto(`${origin}/admin/resources/photos`);
    await page.locator('td img').waitFor();
    await until('it is drawn', () => page.evaluate(loaded));
    await shoot(page, 'photos');
    await page.goto(`${origin}/admin/resources/photos/records/${first}/show`);
    await page.locator('img.atlas-picture-large').waitFor();
    await until('it is drawn', () => page.evaluate(loaded));
    await shoot(page, 'photo');
    await page.getByText('Edit photo').click();
    await page.locator('.atlas-thumbnail img').waitFor();
    await page.locator('#alt').fill('نمای تازه');
    await shoot(page, 'photo-edit');
    await page.getByRole('button', { name: 'Save' }).click();
    await until('its text is stored', async () => (await photos())[0]?.alt === 'نمای تازه');
    // The browser itself writes of the refused upload.
    expect(complaints.filter((one) => !/status of 422/.test(one))).to.deep.equal([]);
  });

  it('shows failed jobs and photos, and has one prepared again', async () => {
    await panel.directory.startWorkers();
    const salon = await panel.addSalon('Rose');
    const body = await gradient(300, 200).jpeg().toBuffer();
    await page.goto(`${origin}/admin/resources/salons/records/${salon}/show`);
    await panel.directory.db.raw('alter table photos disable trigger photos_touch');
    const missing = {
      salon_id: salon,
      original_key: '00/aa.jpg',
      content_type: 'image/jpeg',
      bytes: body.length,
    };
    const [photo] = await panel.directory
      .db('photos')
      .insert({ ...missing, sha256: '0'.repeat(64), width: 300, height: 200, position: 1 })
      .returning('*');
    await panel.directory.deps.enqueue({ id: Number(photo.id), jobVersion: 1 });
    await page.goto(`${origin}/admin/pages/jobs`);
    await page.getByText('the original file is missing').waitFor();
    await shoot(page, 'jobs');
    await page.goto(`${origin}/admin/resources/photos/records/${photo.id}/show`);
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await shoot(page, 'photo-failed');
    await panel.directory.deps.storage.withTemporaryDirectory(async (temporary) => {
      writeFileSync(join(temporary, 'a'), body);
      await panel.directory.deps.storage.store('originals', '00/aa.jpg', join(temporary, 'a'));
    });
    await page.goto(`${origin}/admin/pages/jobs`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('is being prepared again').waitFor();
    await page.getByText('None. What may pass').waitFor();
    await until('the photo is ready', async () => {
      const row = await panel.directory.db('photos').where({ id: photo.id }).first('state');
      return row.state === 'ready';
    });
    await page.setViewportSize({ width: 390, height: 2000 });
    expect(await sidewaysPixels()).to.equal(0);
    await shoot(page, 'jobs-telephone');
    expect(complaints).to.deep.equal([]);
  });

  it('draws the dashboard from samples and the server’s own words, on a telephone too', async () => {
    await shoot(page, 'dashboard-empty');
    await page.getByText('not known here yet').waitFor();
    await page.getByText('Nothing was measured yet').waitFor();
    await panel.addSalon('Rose');
    await addSamples();
    writeStatus(serverStatus());
    await page.goto(`${origin}/admin`);
    await page.getByText("Let's Encrypt").waitFor();
    await page.locator('.atlas-plot svg').waitFor();
    // Mutation tried: no gaps in the plot; then one path draws the whole line.
    expect(await page.locator('.atlas-line-pending').count()).to.equal(2);
    await page.getByText('64 days').waitFor();
    await page.getByText('52 GB free').waitFor();
    await page.getByText('never', { exact: true }).waitFor();
    await page.getByText('نگار').waitFor();
    await shoot(page, 'dashboard');
    await page.locator('.atlas-plot svg').hover({ position: { x: 600, y: 100 } });
    await page.getByText(/^\d+ waiting or at work$/).waitFor();
    await shoot(page, 'dashboard-pointed');
    await page.setViewportSize({ width: 390, height: 2000 });
    await page.getByText('64 days').waitFor();
    expect(await sidewaysPixels()).to.equal(0);
    await shoot(page, 'dashboard-telephone');

    const old = new Date(Date.now() - 40.01 * DAYS_MS);
    const at = old.toISOString();
    writeStatus({ ...serverStatus(old), backup: { at, result: 'failed' }, drill: { at, result: 'pass' } });
    await page.setViewportSize({ width: 1024, height: 1500 });
    await page.goto(`${origin}/admin`);
    await page.getByText('as they were').waitFor();
    await page.getByText('24 days').waitFor();
    await shoot(page, 'dashboard-old');
    // Failed while a drill that passed was not known for good.
    const toneOf = (title: string) =>
      page.locator('.atlas-card', { hasText: title }).locator('.atlas-bad').count();
    expect([await toneOf('Last backup'), await toneOf('Last restore drill')]).to.deep.equal([1, 0]);
    expect(complaints).to.deep.equal([]);
  });
});
