import type { Knex } from 'knex';
import type { Context } from 'koa';
import { recordAudit } from '../db/audit.ts';
import { createNonce, sendPage } from './headers.ts';
import { LOGIN_PATH, methodNotAllowed } from './login.ts';
import { isSameOrigin } from './origin.ts';
import { logoutPage } from './pages/logout.ts';
import type { Sessions } from './session.ts';

export const LOGOUT_PATH = '/admin/logout';

/** POST ends the session. GET, which AdminJS's menu does, only leads to that POST. */
export function logout(db: Knex, sessions: Sessions): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    if (ctx.method === 'GET' || ctx.method === 'HEAD') {
      const nonce = createNonce();
      // A link on another site may open this page, but only a click here logs out.
      return sendPage(ctx, logoutPage({ nonce, atOnce: ctx.get('sec-fetch-site') === 'same-origin' }), nonce);
    }
    if (ctx.method !== 'POST') return methodNotAllowed(ctx, 'GET, HEAD, POST');
    if (!isSameOrigin(ctx)) return ctx.throw(403, 'This form was sent from another site');
    const owner = await sessions.owner(ctx);
    await db.transaction(async (trx) => {
      await sessions.end(ctx, trx);
      if (!owner) return;
      const admin = { id: owner.adminId, email: owner.email };
      await recordAudit(trx, { admin, ip: ctx.ip, action: 'logout', resource: 'admins', recordId: admin.id });
    });
    ctx.status = 303;
    ctx.redirect(LOGIN_PATH);
  };
}
