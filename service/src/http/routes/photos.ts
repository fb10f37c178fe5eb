import Router from '@koa/router';
import { deletePhoto, findPhoto, insertPhoto, listPhotos, type Photo } from '../../db/photos.ts';
import { findSalon } from '../../db/salons.ts';
import { newOriginalKey } from '../../storage/keys.ts';
import type { AppDependencies } from '../app.ts';
import { hashFile, inspectImage } from '../image.ts';
import { optionalToken, requireToken } from '../middleware/auth.ts';
import { Problem } from '../problem.ts';
import { receiveUpload, type Upload } from '../receive-upload.ts';
import { removeFiles } from '../remove-files.ts';
import { photoFields, validate } from '../schemas.ts';
import { noSuchSalon } from './salons.ts';

/** Photos of a salon, and single photos by id. */
export function photoRoutes(deps: AppDependencies): Router {
  const { db, cache, storage } = deps;
  const router = new Router({ prefix: '/api' });

  router.get('/salons/:slug/photos', optionalToken(db), async (ctx) => {
    const { slug = '' } = ctx.params;
    const list = async (hidden: boolean) => {
      const salon = await findSalon(db, slug, hidden);
      return salon && { items: (await listPhotos(db, salon.id)).map(present) };
    };
    const found = ctx.state.token ? await list(true) : await cache.read(`photos:${slug}`, () => list(false));
    ctx.body = found ?? noSuchSalon();
  });

  router.post('/salons/:slug/photos', requireToken(db), async (ctx) => {
    // Before the body: nobody should upload 25 MB to learn of a typing error in the address.
    const salon = (await findSalon(db, ctx.params.slug ?? '', true)) ?? noSuchSalon();
    const photo = await storage.withTemporaryDirectory(async (directory) =>
      keep(deps, salon.id, await receiveUpload(ctx, directory, deps.uploadMaxMegabytes)),
    );
    await cache.invalidate();
    await deps.enqueue(photo);
    ctx.status = 201;
    ctx.set('Location', `/api/photos/${photo.id}`);
    ctx.body = present(photo);
  });

  router.get('/photos/:id', optionalToken(db), async (ctx) => {
    const photo = await findPhoto(db, idOf(ctx.params.id), Boolean(ctx.state.token));
    ctx.body = present(photo ?? noSuchPhoto());
  });

  router.delete('/photos/:id', requireToken(db), async (ctx) => {
    const files = (await deletePhoto(db, idOf(ctx.params.id))) ?? noSuchPhoto();
    await cache.invalidate();
    await removeFiles(deps, [files]);
    ctx.status = 204;
  });

  return router;
}

/** Checks a received file and makes it a photo: first its bytes are safe, then the row says so. */
async function keep({ db, storage }: AppDependencies, salonId: number, upload: Upload): Promise<Photo> {
  const { alt } = validate(photoFields, upload.fields);
  const { contentType, extension, width, height } = await inspectImage(upload.path);
  const sha256 = await hashFile(upload.path);
  const originalKey = newOriginalKey(extension);
  await storage.store('originals', originalKey, upload.path);
  const row = {
    salonId,
    originalKey,
    contentType,
    sha256,
    width,
    height,
    bytes: upload.bytes,
    alt: alt ?? null,
  };
  try {
    return (await insertPhoto(db, row)) ?? noSuchSalon();
  } catch (error) {
    await storage.remove('originals', originalKey);
    throw error;
  }
}

/** A photo as the API shows it. */
function present(photo: Photo) {
  const { id, state, alt, position, width, height, contentType, bytes, error, createdAt } = photo;
  const variants = photo.variants.map((variant) => ({
    width: variant.width,
    height: variant.height,
    bytes: variant.bytes,
    type: 'image/webp',
    url: `/media/${variant.key}`,
  }));
  return { id, state, alt, position, width, height, contentType, bytes, error, createdAt, variants };
}

function idOf(text = ''): number {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : noSuchPhoto();
}

function noSuchPhoto(): never {
  throw new Problem(404, 'there is no such photo');
}
