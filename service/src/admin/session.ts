import { createHmac, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { deleteSession, findLiveSession, insertSession, type SessionOwner } from '../db/admin-sessions.ts';
import { type CookieRules, readSessionCookie, writeSessionCookie } from './cookie.ts';

export interface Sessions {
  /** Starts a session for that admin and sets its cookie; the session the browser came with is ended. */
  start(ctx: Context, adminId: string, trx: Knex): Promise<void>;
  /** Who is asking, or undefined. */
  owner(ctx: Context): Promise<SessionOwner | undefined>;
  /** Ends the session the browser came with and removes its cookie. */
  end(ctx: Context, trx: Knex): Promise<void>;
}

/**
 * Server-side sessions: the cookie is 256 random bits, the table holds their HMAC under `secret`.
 * So reading the table gives no cookie, writing to it forges no session, and a new secret logs everybody out.
 */
export function sessions(db: Knex, secret: string, rules: CookieRules): Sessions {
  const hashOf = (id: string) => createHmac('sha256', secret).update(`admin-session:${id}`).digest('hex');

  async function end(ctx: Context, trx: Knex): Promise<void> {
    const id = readSessionCookie(ctx, rules);
    if (id) await deleteSession(trx, hashOf(id));
    writeSessionCookie(ctx, rules, undefined);
  }

  async function start(ctx: Context, adminId: string, trx: Knex): Promise<void> {
    // Always a new id, so an id planted before the login (fixation) is worth nothing after it.
    const old = readSessionCookie(ctx, rules);
    if (old) await deleteSession(trx, hashOf(old));
    const id = randomBytes(32).toString('base64url');
    const userAgent = ctx.get('user-agent').slice(0, 300);
    await insertSession(trx, { idHash: hashOf(id), adminId, ip: ctx.ip, userAgent });
    writeSessionCookie(ctx, rules, id);
  }

  async function owner(ctx: Context): Promise<SessionOwner | undefined> {
    const id = readSessionCookie(ctx, rules);
    return id ? findLiveSession(db, hashOf(id)) : undefined;
  }

  return { start, owner, end };
}
