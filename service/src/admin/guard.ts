import type { Context } from 'koa';
import type { SessionOwner } from '../db/admin-sessions.ts';
import { assertFormBody } from './body.ts';
import { LOGIN_PATH, methodNotAllowed } from './login.ts';
import { isSameOrigin } from './origin.ts';
import type { Sessions } from './session.ts';

/** Roles that may open the panel. What each may do inside is for the resources to say. */
const ROLES: ReadonlySet<string> = new Set(['admin', 'editor']);

/** Sends people to the login page and tells programs 401. */
function refuse(ctx: Context): void {
  const isPage = ctx.method === 'GET' || ctx.method === 'HEAD';
  if (isPage && !ctx.path.startsWith('/admin/api/') && ctx.accepts('html')) {
    ctx.redirect(LOGIN_PATH);
    return;
  }
  ctx.throw(401, 'Log in first');
}

/**
 * The only way to AdminJS: a live session, a role that may be here, and for everything but reading proof
 * that the request comes from the panel's own pages. Decides on method and path; never on the URL's text,
 * where a query can look like anything. Reads no body.
 *
 * @param assertBody refuses by its headers a body that whoever comes next would not bound itself
 *
 * Returns who is asking, or undefined when the answer has been given.
 */
export async function enter(
  ctx: Context,
  sessions: Sessions,
  assertBody = assertFormBody,
): Promise<SessionOwner | undefined> {
  const owner = await sessions.owner(ctx);
  if (!owner) {
    refuse(ctx);
    return undefined;
  }
  if (!ROLES.has(owner.role)) ctx.throw(403, 'This account may not use the panel');
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return owner;
  if (!isSameOrigin(ctx)) ctx.throw(403, 'This request was sent from another site');
  if (ctx.method !== 'POST') methodNotAllowed(ctx, 'GET, HEAD, POST');
  assertBody(ctx);
  return owner;
}
