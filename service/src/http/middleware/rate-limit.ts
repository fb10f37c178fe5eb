import type { Knex } from 'knex';
import type { Context, Middleware } from 'koa';
import { addressGroup } from '../../address-group.ts';
import type { RateLimits } from '../../cache/rate-limits.ts';
import { Problem } from '../problem.ts';
import { identify, UnknownTokenProblem } from './auth.ts';

/**
 * Bounds how often one token, or one address without a live one, may ask for anything under /api; 429 with
 * Retry-After beyond. An address that keeps sending tokens which are none of ours is told to wait before
 * the database is asked, so that guessing is not free.
 */
export function rateLimit(db: Knex, limits: RateLimits): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/api' && !ctx.path.startsWith('/api/')) return next();
    const group = countedGroup(ctx);
    if (group && ctx.get('Authorization')) refuse(await limits.wrongTokenWait(group));
    try {
      await identify(db, ctx);
    } catch (error) {
      if (group && error instanceof UnknownTokenProblem) refuse(await limits.takeWrongToken(group));
      else if (group) refuse(await limits.takeAddress(group));
      throw error;
    }
    if (ctx.state.token) refuse(await limits.takeToken(ctx.state.token.id));
    else if (group) refuse(await limits.takeAddress(group));
    await next();
  };
}

/**
 * Who is counted together, or undefined. nginx marks requests whose sender the engine hides: behind that one
 * address may be this machine or every IPv6 client, and one of them could shut out all others.
 */
function countedGroup(ctx: Context): string | undefined {
  return ctx.get('X-Sender-Hidden') === '1' ? undefined : addressGroup(ctx.ip);
}

function refuse(waitSeconds: number): void {
  if (waitSeconds === 0) return;
  throw new Problem(429, `too many requests; wait ${waitSeconds} s`, {
    headers: { 'Retry-After': String(waitSeconds) },
  });
}
