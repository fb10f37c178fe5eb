import type { Knex } from 'knex';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type AdminRow, findAdminByEmail, noteLogin } from '../db/admins.ts';
import { recordAudit } from '../db/audit.ts';
import { createNonce, sendPage } from './headers.ts';
import { isSameOrigin } from './origin.ts';
import { loginPage } from './pages/login.ts';
import { checkPassword, PASSWORD_MAX_LENGTH } from './password.ts';
import { readForm } from './read-form.ts';
import type { Sessions } from './session.ts';
import type { LoginThrottle } from './throttle.ts';

export const LOGIN_PATH = '/admin/login';

const emailSchema = z.string().trim().toLowerCase().max(254).pipe(z.email());
const passwordSchema = z.string().min(1).max(PASSWORD_MAX_LENGTH);

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

  // The e-mail of a failed try only when it is somebody's: people type passwords into that field.
  const note = (ctx: Context, action: string, admin: AdminRow | undefined, trx: Knex) =>
    recordAudit(trx, { admin, ip: ctx.ip, action, resource: 'admins', recordId: admin?.id });

  /** Starts the session, unless the admin is disabled or has another password by now. */
  const enter = (ctx: Context, admin: AdminRow): Promise<boolean> =>
    db.transaction(async (trx) => {
      if (!(await noteLogin(trx, admin))) return false;
      await sessions.start(ctx, admin.id, trx);
      await note(ctx, 'login', admin, trx);
      return true;
    });

  async function take(ctx: Context): Promise<void> {
    // Also for the login: or another site could log the visitor in as somebody of its choice.
    if (!isSameOrigin(ctx)) return ctx.throw(403, 'This form was sent from another site');
    const form = await readForm(ctx);
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
    if (!admin || !isRight || !(await enter(ctx, admin))) {
      await note(ctx, 'login_failed', admin, db);
      log.warn({ ip: ctx.ip }, 'admin login refused');
      return show(ctx, 401, typed, 'E-mail or password is wrong.');
    }
    await throttle.forgive(email, ctx.ip);
    await throttle.remember(admin.id, email, ctx.ip);
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
