import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { Logger } from '../../log.ts';

const REQUEST_ID = /^[\w.:-]{8,128}$/;
const PROBES = new Set(['/livez', '/readyz']);
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Gives the request its id, the proxy's when that has a sane form, and logs one line when the answer is finished or the
 * client has gone. What only read and was answered is for LOG_LEVEL=debug: nginx has a line with the same id for each
 * request. The query string stays out of the log: people search for names.
 */
export function requestLog(log: Logger): Middleware {
  // Its lines hold six plain fields and nothing to hide: looking for secrets in each was a tenth of the work.
  const lines = log.child({}, { redact: [] });
  return async (ctx, next) => {
    const started = performance.now();
    const given = ctx.get('X-Request-Id');
    const requestId = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.state.requestId = requestId;
    ctx.set('X-Request-Id', requestId);
    ctx.res.once('close', () => {
      const { method, path, ip, res } = ctx;
      const isQuiet = PROBES.has(path) || (READS.has(method) && res.statusCode < 400 && res.writableFinished);
      if (isQuiet && !lines.isLevelEnabled('debug')) return;
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const aborted = !res.writableFinished || undefined;
      lines[isQuiet ? 'debug' : 'info'](
        { requestId, method, path, status: res.statusCode, ms, ip, aborted },
        'request',
      );
    });
    await next();
  };
}
