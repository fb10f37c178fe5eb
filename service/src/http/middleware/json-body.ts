import type { Middleware } from 'koa';
import { koaBody } from 'koa-body';
import { Problem } from '../problem.ts';

/** Parses a JSON body of at most 64 kb. Mounted on single routes: the admin panel wants its streams unread. */
export function jsonBody(): Middleware {
  const parse = koaBody({ json: true, text: false, urlencoded: false, jsonLimit: '64kb', onError: refuse });
  return async (ctx, next) => {
    if (!ctx.is('application/json')) {
      throw new Problem(415, 'the body must be JSON: Content-Type: application/json', {
        headers: { Accept: 'application/json' },
      });
    }
    await parse(ctx, next);
  };
}

function refuse(error: Error & { status?: number }): never {
  if (error.status === 413) throw new Problem(413, 'the JSON body is larger than 64 kB');
  if (error.status === 415) throw new Problem(415, 'this Content-Encoding is not supported');
  throw new Problem(400, `the body is not valid JSON: ${error.message}`);
}
