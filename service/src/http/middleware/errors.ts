import type { Context, Middleware } from 'koa';
import { SlugTakenError } from '../../db/salons.ts';
import { isUnavailable } from '../../db/unavailable.ts';
import type { Logger } from '../../log.ts';
import { NotStoredError, StorageAwayError } from '../../storage/storage.ts';
import { Problem, problemBody } from '../problem.ts';

/** Turns every error below it, and every empty answer of 400 and above, into application/problem+json. */
export function errors(log: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status >= 400 && ctx.body == null) answer(ctx, new Problem(ctx.status, detailOf(ctx)));
    } catch (error) {
      const problem = toProblem(error);
      if (problem.status >= 500) log.error({ requestId: ctx.state.requestId, err: error }, 'request failed');
      answer(ctx, problem);
    }
  };
}

function answer(ctx: Context, problem: Problem): void {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  ctx.body = problemBody(problem.status, problem.message, ctx.state.requestId, problem.errors);
  ctx.type = 'application/problem+json';
}

function detailOf(ctx: Context): string {
  if (ctx.status === 405) return `${ctx.method} is not possible here; allowed: ${ctx.response.get('Allow')}`;
  if (ctx.status === 501) return `the method ${ctx.method} is not known here`;
  if (ctx.status === 404) return 'there is nothing at this address';
  return 'the request could not be answered';
}

/** What the client may know of an error. Anything unexpected is a 500 without a word about its cause. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof NotStoredError) return new Problem(404, 'there is nothing at this address');
  if (error instanceof StorageAwayError) {
    const headers = { 'Retry-After': '10' };
    return new Problem(503, 'the store of photos does not answer; try again in a moment', { headers });
  }
  if (error instanceof SlugTakenError) {
    const message = 'belongs to another salon';
    return new Problem(409, `slug: ${message}`, { errors: [{ field: 'slug', message }] });
  }
  // http-errors, as Koa and its middlewares throw them, know whether their message is for the client.
  const { status, expose, message } = error as { status?: number; expose?: boolean; message?: string };
  if (status && status >= 400 && status < 500)
    return new Problem(status, (expose && message) || 'bad request');
  if (isUnavailable(error)) {
    // Seconds. A database that restarts is back in about as many.
    return new Problem(503, 'the database does not answer just now', { headers: { 'Retry-After': '3' } });
  }
  return new Problem(500, 'something went wrong here; the request id finds it in the log');
}
