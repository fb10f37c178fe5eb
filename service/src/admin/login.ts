import type { Knex } from 'knex';
import type { Context, Next } from 'koa';
import { koaBody } from 'koa-body';
import type { Logger } from 'pino';
import { z } from 'zod';
import { findAdminByEmail, noteLogin } from '../db/admins.ts';
import { createNonce, sendPage } from './headers.ts';
import { isSameOrigin } from './origin.ts';
import { loginPage } from './pages/login.ts';
import { checkPassword, PASSWORD_MAX_LENGTH } from './password.ts';
import type { Sessions } from './session.ts';
import type { LoginThrottle } from './throttle.ts';

export const LOGIN_PATH = '/admin/login';

const emailSchema = z.string().trim().toLowerCase().max(254).pipe(z.email());
const passwordSchema = z.string().min(1).max(PASSWORD_MAX_LENGTH);
const readForm = koaBody({ urlencoded: true, json: false, text: false, multipart: false, formLimit: '4kb' });
const noop: Next = async () => {};

export interface LoginDeps {
  db: Knex;
  log: Logger;
  sessions: Sessions;
  throttle: LoginThrottle;
}

/** The login page's two halves: show the form, take the form. */
export function login({ db, log, sessions, throttle }: LoginDeps): (ctx: Context) => Promise<void> {
  function show(ctx: Context, status: number, email?: string, problem?: string): void {
    const nonce = createNonce();
    ctx.status = status;
    sendPage(ctx, loginPage({ nonce, ...(email && { email }), ...(problem && { problem }) }), nonce);
  }

  async function take(ctx: Context): Promise<void> {
    // Also for the login: or another site could log the visitor in as somebody of its choice.
    if (!isSameOrigin(ctx)) return ctx.throw(403, 'This form was sent from another site');
    await readForm(ctx as never, noop);
    const form = (ctx.request.body ?? {}) as Record<string, unknown>;
    const typed = String(form.email ?? '').slice(0, 254);
    const email = emailSchema.safeParse(typed).data ?? '';
    const password = passwordSchema.safeParse(form.password).data ?? '';

    const wait = await throttle.take(email, ctx.ip);
    if (wait > 0) {
      log.warn({ ip: ctx.ip }, 'admin login throttled');
      ctx.set('Retry-After', String(wait));
      return show(ctx, 429, typed, `Too many tries. Wait ${Math.ceil(wait / 60)} minutes, then try again.`);
    }
    const admin = await findAdminByEmail(db, email);
    const isRight = await checkPassword(admin?.password_hash, password);
    if (!admin || !isRight || admin.disabled_at) {
      log.warn({ ip: ctx.ip }, 'admin login refused');
      return show(ctx, 401, typed, 'E-mail or password is wrong.');
    }
    await throttle.forgive(email, ctx.ip);
    await sessions.start(ctx, admin.id);
    await noteLogin(db, admin.id);
    log.info({ adminId: admin.id, ip: ctx.ip }, 'admin logged in');
    ctx.status = 303;
    ctx.redirect('/admin');
  }

  return async (ctx) => {
    if (ctx.method === 'POST') return take(ctx);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return methodNotAllowed(ctx, 'GET, HEAD, POST');
    if (await sessions.owner(ctx)) return ctx.redirect('/admin');
    show(ctx, 200);
  };
}

/** Answers 405 and says what would have been allowed. */
export function methodNotAllowed(ctx: Context, allow: string): void {
  ctx.set('Allow', allow);
  ctx.throw(405, 'Method Not Allowed', { headers: { Allow: allow } });
}
