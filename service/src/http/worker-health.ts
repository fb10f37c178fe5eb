import type { RequestListener } from 'node:http';
import { problemBody } from './problem.ts';
import { assessReadiness, type Check } from './readiness.ts';

/** The worker's /livez and /readyz, in the api's form but without Koa: it is all the worker serves. */
export function workerHealth(
  release: string,
  checks: Record<string, Check>,
  isDraining: () => boolean,
): RequestListener {
  return async (request, response) => {
    const { status, body, type } = await answer(request.url?.split('?')[0], release, checks, isDraining);
    response.writeHead(status, {
      'X-Release': release,
      'Content-Type': type,
      'Cache-Control': 'no-store',
      ...(isDraining() ? { Connection: 'close' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

async function answer(
  path: string | undefined,
  release: string,
  checks: Record<string, Check>,
  isDraining: () => boolean,
) {
  const type = 'application/json; charset=utf-8';
  if (path === '/livez') return { status: 200, type, body: JSON.stringify({ status: 'ok', release }) };
  if (path === '/readyz') {
    const { ready, ...body } = await assessReadiness(release, checks, isDraining());
    return { status: ready ? 200 : 503, type, body: JSON.stringify(body) };
  }
  const detail = 'the worker answers /livez and /readyz only';
  return { status: 404, type: 'application/problem+json', body: problemBody(404, detail) };
}
