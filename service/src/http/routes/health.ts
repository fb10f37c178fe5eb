import Router from '@koa/router';
import type { AppDependencies } from '../app.ts';
import { assessReadiness } from '../readiness.ts';

/** /livez: the process answers. /readyz: it can also do its work; the body names what fails. */
export function healthRoutes({ release, checks, isDraining }: AppDependencies): Router {
  const router = new Router();
  router.get('/livez', (ctx) => {
    ctx.body = { status: 'ok', release };
  });
  router.get('/readyz', async (ctx) => {
    const { ready, ...body } = await assessReadiness(release, checks, isDraining());
    ctx.status = ready ? 200 : 503;
    ctx.body = body;
  });
  router.get('/', (ctx) => {
    ctx.body = { name: 'Sevra Atlas', release, api: '/api/salons', document: '/api/openapi.json' };
  });
  return router;
}
