import Router from '@koa/router';
import { isKey } from '../../storage/keys.ts';
import type { Storage } from '../../storage/storage.ts';

/**
 * /media/<key>: the variants, for whoever asks. A key never means other bytes, so browsers may keep them for
 * ever. In production the web server answers these from the same directory, and passes on what is not there. When
 * the public can read the bucket itself, it is sent there.
 */
export function mediaRoutes(storage: Storage): Router {
  const router = new Router({ prefix: '/media' });
  router.get('/:directory/:file', async (ctx) => {
    const key = `${ctx.params.directory}/${ctx.params.file}`;
    const elsewhere = isKey(key) && storage.publicUrl(key);
    if (elsewhere) {
      ctx.redirect(elsewhere);
      // Not for ever, as the file: the bucket may move.
      ctx.set('Cache-Control', 'public, max-age=3600');
      return;
    }
    const { bytes, stream } = await storage.open('variants', key);
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
    ctx.type = 'image/webp';
    ctx.length = bytes;
    ctx.body = stream;
    // Koa sets the type of a stream's body anew only when there is none, and never its length.
    ctx.length = bytes;
  });
  return router;
}
