import type { Knex } from 'knex';
import type { Context, Middleware } from 'koa';
import { findToken } from '../../db/tokens.ts';
import { Problem } from '../problem.ts';

/**
 * Lets only requests with a valid API token through. Comes before the body is read: a stranger's upload
 * costs nothing.
 */
export function requireToken(db: Knex): Middleware {
  return async (ctx, next) => {
    await identify(db, ctx);
    if (!ctx.state.token) throw unauthorized('this needs an API token: Authorization: Bearer atlas_…');
    await next();
  };
}

/**
 * Notes on `ctx.state.token` who asks, when somebody says so. A wrong token is refused even where none is
 * needed: its owner should hear of it.
 */
export function optionalToken(db: Knex): Middleware {
  return async (ctx, next) => {
    await identify(db, ctx);
    await next();
  };
}

async function identify(db: Knex, ctx: Context): Promise<void> {
  const header = ctx.get('Authorization');
  if (!header) return;
  const [, token] = /^Bearer ([\w-]+)$/i.exec(header) ?? [];
  ctx.state.token = token && (await findToken(db, token));
  if (!ctx.state.token) throw unauthorized('the API token is not valid');
}

function unauthorized(detail: string): Problem {
  return new Problem(401, detail, { headers: { 'WWW-Authenticate': 'Bearer realm="Sevra Atlas"' } });
}
