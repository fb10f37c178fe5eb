import type { Middleware } from 'koa';
import type { Metrics } from '../../metrics/metrics.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);

/**
 * Counts each request and its seconds under the route that matched. Never under its path: strangers choose
 * paths and methods, and each new label would stay in memory for ever.
 */
export function requestMetrics({ requests }: Metrics): Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    ctx.res.once('close', () => {
      const matched = ctx._matchedRoute ?? (ctx.path.startsWith('/admin') ? '/admin' : 'none');
      requests.observe(
        {
          method: METHODS.has(ctx.method) ? ctx.method : 'other',
          route: String(matched),
          status: ctx.res.statusCode,
        },
        (performance.now() - started) / 1000,
      );
    });
    await next();
  };
}
