import type { Knex } from 'knex';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import { deleteSessionsOf } from '../db/admin-sessions.ts';
import { findAdminByEmail, replacePassword } from '../db/admins.ts';
import { recordAudit } from '../db/audit.ts';
import { type Actor, audited } from './actor.ts';
import { createNonce, sendPage } from './headers.ts';
import { methodNotAllowed } from './login.ts';
import { passwordChangedPage, passwordForm } from './pages/password.ts';
import { checkPassword, hashPassword, newPasswordProblem } from './password.ts';
import { readForm } from './read-form.ts';
import type { Sessions } from './session.ts';
import type { LoginThrottle } from './throttle.ts';

export interface PasswordChangeDeps {
  db: Knex;
  log: Logger;
  sessions: Sessions;
  throttle: LoginThrottle;
}

const WRONG = 'The current password is wrong.';

/**
 * /admin/password: changes one's own password. Needs the current one, whose tries count like a login's: a
 * stolen session must not be a way to guess it. Every other session ends; this one goes on under a new id.
 */
export function passwordPage(deps: PasswordChangeDeps): (ctx: Context, actor: Actor) => Promise<void> {
  const { db, log, sessions, throttle } = deps;

  function show(ctx: Context, status: number, email: string, problem?: string): void {
    const nonce = createNonce();
    ctx.status = status;
    sendPage(ctx, passwordForm({ nonce, email, ...(problem && { problem }) }), nonce);
  }

  /** Replaces the password, unless somebody else has done so since the current one was checked. */
  async function replace(ctx: Context, actor: Actor, oldHash: string, password: string): Promise<boolean> {
    const newHash = await hashPassword(password);
    return db.transaction(async (trx) => {
      if (!(await replacePassword(trx, { id: actor.adminId, oldHash, newHash }))) return false;
      await deleteSessionsOf(trx, actor.adminId);
      await sessions.start(ctx, actor.adminId, trx);
      const entry = { action: 'change_password', resource: 'admins', recordId: actor.adminId };
      await recordAudit(trx, { ...audited(actor), ...entry });
      return true;
    });
  }

  async function take(ctx: Context, actor: Actor): Promise<void> {
    const { email } = actor;
    const form = await readForm(ctx);
    const [current, wanted, again] = ['current', 'new', 'again'].map((name) => String(form[name] ?? ''));
    const problem =
      newPasswordProblem(wanted ?? '', email) ??
      (wanted === again ? undefined : 'The new password was typed in two different ways.') ??
      (wanted === current ? 'The new password is the current one.' : undefined);
    if (problem) return show(ctx, 422, email, problem);
    const wait = await throttle.take(email, ctx.ip);
    if (wait > 0) {
      ctx.set('Retry-After', String(wait));
      return show(ctx, 429, email, `Too many tries. Wait ${Math.ceil(wait / 60)} minutes, then try again.`);
    }
    const hash = (await findAdminByEmail(db, email))?.password_hash;
    if (!hash || !(await checkPassword(hash, current ?? ''))) return show(ctx, 403, email, WRONG);
    if (!(await replace(ctx, actor, hash, wanted ?? ''))) return show(ctx, 403, email, WRONG);
    await throttle.forgive(email, ctx.ip);
    log.info({ adminId: actor.adminId, ip: ctx.ip }, 'admin password changed');
    const nonce = createNonce();
    ctx.status = 200;
    sendPage(ctx, passwordChangedPage(nonce), nonce);
  }

  return async (ctx, actor) => {
    if (ctx.method === 'POST') return take(ctx, actor);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return methodNotAllowed(ctx, 'GET, HEAD, POST');
    show(ctx, 200, actor.email);
  };
}
