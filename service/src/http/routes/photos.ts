import Router from '@koa/router';
import { deletePhoto, findPhoto, listPhotos, type Photo, updatePhoto } from '../../db/photos.ts';
import { findSalon } from '../../db/salons.ts';
import { type PhotoView, photoChanges } from '../../schemas/photo.ts';
import type { Storage } from '../../storage/storage.ts';
import { acceptPhoto } from '../accept-photo.ts';
import type { AppDependencies } from '../app.ts';
import { optionalToken, requireToken } from '../middleware/auth.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { Problem } from '../problem.ts';
import { removeFiles } from '../remove-files.ts';
import { sendJson } from '../send-json.ts';
import { validate } from '../validate.ts';
import { noSuchSalon } from './salons.ts';

/** Photos of a salon, and single photos by id. */
export function photoRoutes(deps: AppDependencies): Router {
  const { db, cache, storage } = deps;
  const router = new Router({ prefix: '/api' });
  const show = (photo: Photo) => present(storage, photo);

  router.get('/salons/:slug/photos', optionalToken(db), async (ctx) => {
    const { slug = '' } = ctx.params;
    const list = async (hidden: boolean) => {
      const salon = await findSalon(db, slug, hidden);
      return salon && JSON.stringify({ items: (await listPhotos(db, salon.id)).map(show) });
    };
    const found = ctx.state.token ? await list(true) : await cache.read(`photos:${slug}`, () => list(false));
    sendJson(ctx, found ?? noSuchSalon());
  });

  router.post('/salons/:slug/photos', requireToken(db), async (ctx) => {
    // Before the body: nobody should upload 25 MB to learn of a typing error in the address.
    const salon = (await findSalon(db, ctx.params.slug ?? '', true)) ?? noSuchSalon();
    const photo = await acceptPhoto(deps, ctx, salon.id);
    ctx.status = 201;
    ctx.set('Location', `/api/photos/${photo.id}`);
    ctx.body = show(photo);
  });

  router.get('/photos/:id', optionalToken(db), async (ctx) => {
    const photo = await findPhoto(db, idOf(ctx.params.id), Boolean(ctx.state.token));
    sendJson(ctx, JSON.stringify(show(photo ?? noSuchPhoto())));
  });

  router.patch('/photos/:id', requireToken(db), jsonBody(), async (ctx) => {
    const changes = validate(photoChanges, ctx.request.body);
    const photo = (await updatePhoto(db, idOf(ctx.params.id), changes)) ?? noSuchPhoto();
    await cache.invalidate();
    ctx.body = show(photo);
  });

  router.delete('/photos/:id', requireToken(db), async (ctx) => {
    const files = (await deletePhoto(db, idOf(ctx.params.id))) ?? noSuchPhoto();
    await cache.invalidate();
    await removeFiles(deps, [files]);
    ctx.status = 204;
  });

  return router;
}

/** A photo as the API shows it. */
function present(storage: Storage, photo: Photo): PhotoView {
  const { id, state, alt, position, width, height, contentType, bytes, error, createdAt } = photo;
  const variants = photo.variants.map((variant) => ({
    width: variant.width,
    height: variant.height,
    bytes: variant.bytes,
    type: 'image/webp' as const,
    url: storage.publicUrl(variant.key) ?? `/media/${variant.key}`,
  }));
  return { id, state, alt, position, width, height, contentType, bytes, error, createdAt, variants };
}

function idOf(text = ''): number {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : noSuchPhoto();
}

function noSuchPhoto(): never {
  throw new Problem(404, 'there is no such photo');
}
