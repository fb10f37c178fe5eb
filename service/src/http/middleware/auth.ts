import type { Knex } from 'knex';
import type { Context, Middleware } from 'koa';
import { findToken } from '../../db/tokens.ts';
import { Problem } from '../problem.ts';

/** What was sent as a token was never one of ours. */
export class UnknownTokenProblem extends Problem {
  override name = 'UnknownTokenProblem';
}

/**
 * Lets only requests with a live API token that may write through. Comes before the body is read: a
 * stranger's upload costs nothing.
 */
export function requireToken(db: Knex): Middleware {
  return async (ctx, next) => {
    await identify(db, ctx);
    if (!ctx.state.token) {
      throw new Problem(401, 'this needs an API token: Authorization: Bearer atlas_…', challenge());
    }
    if (ctx.state.token.scope !== 'write') {
      throw new Problem(403, 'this token may read only; this needs one of scope write', {
        headers: { 'WWW-Authenticate': `${REALM}, error="insufficient_scope", scope="write"` },
      });
    }
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

/**
 * Sets `ctx.state.token` to the live token that the request carries; asks the database once a request.
 * @throws {Problem} 401 for one that is expired or revoked, saying which; {UnknownTokenProblem} for others.
 */
export async function identify(db: Knex, ctx: Context): Promise<void> {
  const header = ctx.get('Authorization');
  if (!header || ctx.state.token) return;
  const [, sent] = /^Bearer ([\w-]+)$/i.exec(header) ?? [];
  const token = sent ? await findToken(db, sent) : undefined;
  if (!token) throw new UnknownTokenProblem(401, 'the API token is not valid', challenge('invalid_token'));
  if (token.state !== 'live') {
    throw new Problem(401, `this API token is ${token.state}; ask for a new one`, challenge('invalid_token'));
  }
  ctx.state.token = token;
}

const REALM = 'Bearer realm="Sevra Atlas"';

/** https://datatracker.ietf.org/doc/html/rfc6750#section-3 */
function challenge(error?: string) {
  return { headers: { 'WWW-Authenticate': error ? `${REALM}, error="${error}"` : REALM } };
}
