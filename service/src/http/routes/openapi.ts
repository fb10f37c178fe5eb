import Router from '@koa/router';
import { sendJson } from '../send-json.ts';

/** /api/openapi.json. Written when somebody first asks: it would cost the start more than any request. */
export function openApiRoutes(release: string): Router {
  const router = new Router();
  let document: Promise<string> | undefined;
  router.get('/api/openapi.json', async (ctx) => {
    document ??= import('../openapi/document.ts').then(({ openApiDocument }) =>
      JSON.stringify(openApiDocument(release)),
    );
    const text = await document;
    ctx.set('Cache-Control', 'public, max-age=60');
    sendJson(ctx, text);
  });
  return router;
}
