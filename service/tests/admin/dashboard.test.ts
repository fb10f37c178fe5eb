import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DashboardAnswer } from '../../src/admin/dashboard.ts';
import { type Browser, startPanel, type TestPanel } from './support.ts';

const status = {
  writtenAt: '2026-01-02T03:04:05.678Z',
  releases: [
    {
      what: 'deploy',
      tag: 'v1',
      result: 'done',
      started: '2026-01-02T03:00:00.000Z',
      seconds: 41.2,
      by: 'ada',
    },
  ],
  certificate: { issuer: 'CA', selfSigned: false, daysTotal: 90, daysLeft: 60 },
  disk: { freeBytes: 1, totalBytes: 2 },
  backup: { at: '2026-01-02T02:00:00Z', bytes: 3, result: 'done' },
  drill: null,
};

describe('admin dashboard', () => {
  let directory: string;
  let panel: TestPanel;
  let browser: Browser;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'atlas-panel-'));
    panel = await startPanel({ release: 'v1', statusFile: join(directory, 'status.json') });
    await panel.addAdmin('ada@example.org', 'editor');
    browser = panel.browser();
    await browser.login('ada@example.org');
  });
  afterEach(async () => {
    await panel.close();
    rmSync(directory, { recursive: true });
  });

  const read = async () => (await browser.json('/admin/api/dashboard')) as unknown as DashboardAnswer;
  const write = (text: string) => writeFileSync(join(directory, 'status.json'), text);

  it('counts the directory, measures the database, and names the release', async () => {
    const [{ id }] = await panel
      .db('salons')
      .insert({ name: 'Rose', slug: 'rose', city: 'Shiraz', published: false })
      .returning('id');
    const photo = { salon_id: id, original_key: '00/a.jpg', content_type: 'image/jpeg', bytes: 1 };
    await panel.db('photos').insert({ ...photo, sha256: 'a'.repeat(64), width: 4, height: 3, position: 1 });
    const answer = await read();
    expect(answer.salons).to.deep.equal({ total: 1, published: 0 });
    expect(answer.photos).to.deep.equal({ uploaded: 1, ready: 0, failed: 0 });
    expect(answer.release).to.equal('v1');
    expect(answer.databaseBytes).to.be.above(1_000_000);
    expect(answer.now).to.be.closeTo(Date.now() / 1000, 60);
  });

  it('hands out the samples of the last day, oldest first', async () => {
    const at = (hoursAgo: number) => Math.floor(Date.now() / 60_000 - hoursAgo * 60) * 60;
    const rows = [25, 23, 1].map((hours) => ({
      sampled_at: new Date(at(hours) * 1000),
      pending: hours,
      failed: 0,
    }));
    await panel.db('queue_samples').insert(rows.reverse());
    expect((await read()).samples).to.deep.equal([
      [at(23), 23, 0],
      [at(1), 1, 0],
    ]);
  });

  it('hands on what the server wrote', async () => {
    write(JSON.stringify({ ...status, somethingNewer: 1 }));
    expect((await read()).server).to.deep.equal(status);
  });

  // Mutation tried: parsing without a schema; the page would meet a certificate that is a text.
  it('knows nothing of the server when the file is missing, cut short or not as expected, and works', async () => {
    const { certificate: _, ...incomplete } = status;
    for (const text of [
      undefined,
      '',
      JSON.stringify(status).slice(0, 100),
      '[]',
      JSON.stringify({ ...status, certificate: 'x' }),
      JSON.stringify({ ...status, writtenAt: 'yesterday' }),
      JSON.stringify(incomplete),
    ]) {
      if (text !== undefined) write(text);
      const answer = await read();
      expect(answer.server, String(text)).to.equal(null);
      expect(answer.salons.total).to.equal(0);
    }
  });
});
