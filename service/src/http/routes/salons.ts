import Router from '@koa/router';
import type { Context } from 'koa';
import { encodeCursor } from '../../db/cursor.ts';
import { createSalon, deleteSalon, findSalon, listSalons, updateSalon } from '../../db/salons.ts';
import { newSalon, salonChanges } from '../../schemas/salon.ts';
import type { AppDependencies } from '../app.ts';
import { optionalToken, requireToken } from '../middleware/auth.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { Problem } from '../problem.ts';
import { removeFiles } from '../remove-files.ts';
import { salonQuery } from '../salon-query.ts';
import { sendJson } from '../send-json.ts';
import { validate } from '../validate.ts';

const DEFAULT_LIMIT = 20;
// The proxy in front may show an answer to everybody for a second, then for 14 more while it asks for a new one, or
// for a minute when nobody answers. Browsers ask each time.
const SHARED = 'public, max-age=0, must-revalidate, s-maxage=1, stale-while-revalidate=14, stale-if-error=60';

/** /api/salons and /api/salons/:slug. Token holders also see unpublished salons, and never the cache. */
export function salonRoutes(deps: AppDependencies): Router {
  const { db, cache } = deps;
  const router = new Router({ prefix: '/api/salons' });

  router.get('/', optionalToken(db), async (ctx) => {
    const { cursor: beforeId, limit = DEFAULT_LIMIT, ...filter } = validate(salonQuery, { ...ctx.query });
    const list = async (hidden: boolean) => {
      // One row more than asked tells whether there is a next page.
      const rows = await listSalons(db, { ...filter, beforeId, limit: limit + 1, hidden });
      const items = rows.slice(0, limit);
      const nextCursor = rows.length > limit ? encodeCursor(items.at(-1)?.id ?? 0) : null;
      return JSON.stringify({ items, nextCursor });
    };
    const key = `list:${JSON.stringify([filter.city, filter.q, limit, beforeId])}`;
    const page = ctx.state.token ? await list(true) : await cache.read(key, () => list(false));
    share(ctx);
    sendJson(ctx, page);
  });

  router.post('/', requireToken(db), jsonBody(), async (ctx) => {
    const salon = await createSalon(db, validate(newSalon, ctx.request.body));
    await cache.invalidate();
    ctx.status = 201;
    ctx.set('Location', `/api/salons/${encodeURIComponent(salon.slug)}`);
    ctx.body = salon;
  });

  router.get('/:slug', optionalToken(db), async (ctx) => {
    const { slug = '' } = ctx.params;
    const find = async (hidden: boolean) => JSON.stringify(await findSalon(db, slug, hidden));
    const salon = ctx.state.token ? await find(true) : await cache.read(`salon:${slug}`, () => find(false));
    share(ctx); // that there is none, too
    sendJson(ctx, salon ?? noSuchSalon());
  });

  router.patch('/:slug', requireToken(db), jsonBody(), async (ctx) => {
    const changes = validate(salonChanges, ctx.request.body);
    ctx.body = (await updateSalon(db, ctx.params.slug ?? '', changes)) ?? noSuchSalon();
    await cache.invalidate();
  });

  router.delete('/:slug', requireToken(db), async (ctx) => {
    const photos = (await deleteSalon(db, ctx.params.slug ?? '')) ?? noSuchSalon();
    await cache.invalidate();
    await removeFiles(deps, photos);
    ctx.status = 204;
  });

  return router;
}

/** Lets caches keep an answer that anybody may see. */
function share(ctx: Context): void {
  if (ctx.state.token) return;
  ctx.set('Cache-Control', SHARED);
  ctx.vary('Authorization');
}

/** @throws {Problem} 404, always. */
export function noSuchSalon(): never {
  throw new Problem(404, 'there is no such salon');
}
