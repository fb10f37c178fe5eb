import type { Redis } from 'ioredis';
import type { Middleware } from 'koa';
import { pino } from 'pino';
import { type AdminPanelDeps, adminPanel } from '../../src/admin/panel.ts';
import { hashPassword } from '../../src/admin/password.ts';
import { acceptPhoto } from '../../src/http/accept-photo.ts';
import { jobsView } from '../../src/jobs/overview.ts';
import { mediaQueue, openProducerRedis } from '../../src/jobs/queues.ts';
import { backends, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { Browser, PASSWORD, SECRET } from './support.ts';

/** The whole api with its panel, as the process puts them together. */
export interface DirectoryPanel {
  directory: TestDirectory;
  /** The jobs page's connection to the queue Redis. */
  producer: Redis;
  /** Logged in. */
  browser: Browser;
  addSalon(name: string, city?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it, with ada@example.org as its administrator. */
export async function startDirectoryPanel(deps: Partial<AdminPanelDeps> = {}): Promise<DirectoryPanel> {
  // The panel needs the directory's database, and the directory its panel.
  let panel: Middleware | undefined;
  const directory = await startDirectory({ admin: (ctx, next) => panel?.(ctx, next) });
  const { db, cache, enqueue } = directory.deps;
  const producer = openProducerRedis(backends().redisQueue.url);
  producer.on('error', () => {});
  const queue = mediaQueue(producer, () => {});
  await until('the queue is connected', () => producer.status === 'ready');
  panel = adminPanel({
    ...{ db, enqueue },
    log: pino({ level: 'silent' }),
    sessionSecret: SECRET,
    secureCookies: false,
    onChange: () => cache.invalidate(),
    acceptPhoto: (ctx, salonId) => acceptPhoto(directory.deps, ctx, salonId),
    jobs: jobsView(queue, producer, () => {}),
    release: directory.deps.release,
    ...deps,
  });
  const row = { email: 'ada@example.org', password_hash: await hashPassword(PASSWORD) };
  await db('admins').insert(row);
  const browser = new Browser(directory.url, '192.0.2.1');
  await browser.login(row.email);
  return {
    ...{ directory, producer, browser },
    async addSalon(name, city = 'Shiraz') {
      const slug = name.toLowerCase().replaceAll(' ', '-');
      return (await db('salons').insert({ name, slug, city }).returning('id'))[0].id;
    },
    async stop() {
      producer.disconnect();
      await directory.stop();
    },
  };
}
