import Router from '@koa/router';
import type { Storage } from '../../storage/storage.ts';

/**
 * /media/<key>: the variants, for whoever asks. A key never means other bytes, so browsers may keep them for
 * ever. In production the web server answers these from the same directory.
 */
export function mediaRoutes(storage: Storage): Router {
  const router = new Router({ prefix: '/media' });
  router.get('/:directory/:file', async (ctx) => {
    const { bytes, stream } = await storage.open('variants', `${ctx.params.directory}/${ctx.params.file}`);
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
    ctx.type = 'image/webp';
    ctx.length = bytes;
    ctx.body = stream;
    // Koa sets the type of a stream's body anew only when there is none, and never its length.
    ctx.length = bytes;
  });
  return router;
}
