import type { AddressInfo } from 'node:net';
import type { Knex } from 'knex';
import Koa from 'koa';
import { pino } from 'pino';
import { type AdminPanelDeps, adminPanel } from '../../src/admin/panel.ts';
import { hashPassword } from '../../src/admin/password.ts';
import type { AdminRole } from '../../src/db/admins.ts';
import type { PhotoFiles } from '../../src/db/photos.ts';
import { emptyDatabase } from './database.ts';

export const PASSWORD = 'correct horse battery staple';
export const SECRET = 'a secret of the tests, 32 characters';

/** What AdminJS answers; which parts depends on the action. */
export interface Answer {
  notice: { type: string; message: string };
  record: { params: Record<string, unknown>; errors: Record<string, { message: string }> };
  records: {
    params: Record<string, unknown>;
    populated: Record<string, { params: Record<string, unknown> }>;
  }[];
  meta: { total: number };
}

/** A panel that listens, with an empty database of admins, salons and photos under it. */
export interface TestPanel {
  origin: string;
  db: Knex;
  /** Resources that the panel said it changed, and files it wanted removed. */
  changes: string[];
  removed: PhotoFiles[];
  addAdmin(email: string, role?: AdminRole): Promise<string>;
  browser(options?: { ip?: string }): Browser;
  close(): Promise<void>;
}

let passwordHash: Promise<string> | undefined;

export async function startPanel(deps: Partial<AdminPanelDeps> = {}): Promise<TestPanel> {
  const db = await emptyDatabase();
  const changes: string[] = [];
  const removed: PhotoFiles[] = [];

  const app = new Koa({ proxy: true });
  app.silent = true;
  app.use(
    adminPanel({
      db,
      log: pino({ level: 'silent' }),
      sessionSecret: SECRET,
      onChange: async (resource) => void changes.push(resource),
      removeFiles: async (files) => void removed.push(...files),
      ...deps,
    }),
  );
  app.use((ctx) => {
    ctx.body = 'not the panel';
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function addAdmin(email: string, role: AdminRole = 'admin'): Promise<string> {
    passwordHash ??= hashPassword(PASSWORD);
    const [row] = await db('admins')
      .insert({ email, role, password_hash: await passwordHash })
      .returning('id');
    return row.id;
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  const browser = ({ ip = '192.0.2.1' } = {}) => new Browser(origin, ip);
  return { origin, db, changes, removed, addAdmin, browser, close };
}

/** As much of a browser as these tests need: cookies, the headers of a same-origin request, an address. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #origin: string;
  readonly #ip: string;

  constructor(origin: string, ip: string) {
    this.#origin = origin;
    this.#ip = ip;
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({
      accept: 'text/html',
      cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '),
      origin: this.#origin,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': this.#ip,
    });
    for (const [name, value] of new Headers(init.headers)) {
      if (value === 'none') headers.delete(name);
      else headers.set(name, value);
    }
    const response = await fetch(this.#origin + path, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  get sessionCookie(): string | undefined {
    return this.cookies.get('__Host-atlas');
  }

  async login(email: string, password = PASSWORD): Promise<Response> {
    return this.send('/admin/login', { method: 'POST', body: new URLSearchParams({ email, password }) });
  }

  async json(path: string): Promise<Answer> {
    const response = await this.send(path, { headers: { accept: 'application/json' } });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as Answer;
  }

  /** Submits a form the way the panel's pages do: as multipart. */
  async submit(path: string, fields: Record<string, string>): Promise<Answer> {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    const response = await this.send(path, { method: 'POST', body, headers: { accept: 'application/json' } });
    if (response.status !== 200)
      throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }
}
