import type { Knex } from 'knex';
import type { Context } from 'koa';
import type { Cache } from '../cache/cache.ts';
import { type AlsoWithPhoto, insertPhoto, type Photo } from '../db/photos.ts';
import { isUnavailable } from '../db/unavailable.ts';
import { photoFields } from '../schemas/photo.ts';
import { digestFile } from '../storage/digest.ts';
import { newOriginalKey } from '../storage/keys.ts';
import type { Storage } from '../storage/storage.ts';
import { inspectImage } from './image.ts';
import { Problem } from './problem.ts';
import { receiveUpload, type Upload } from './receive-upload.ts';
import { validate } from './validate.ts';

export interface UploadDependencies {
  db: Knex;
  cache: Cache;
  storage: Storage;
  uploadMaxMegabytes: number;
  /** Asks for a photo's variants; never rejects and never waits long. */
  enqueue: (photo: Pick<Photo, 'id' | 'jobVersion'>) => Promise<void>;
}

/**
 * The one way in for photos, whoever sends them: reads the request's multipart body, makes its file a photo of
 * that salon, with what `also` writes, and asks for the variants. Whether the sender may is for the caller to know before.
 * @throws {Problem} 404 when the salon is gone, 413, 415 or 422 for what is no photo; then no file is left.
 */
export async function acceptPhoto(
  deps: UploadDependencies,
  ctx: Context,
  salonId: number,
  also?: AlsoWithPhoto,
): Promise<Photo> {
  const photo = await deps.storage.withTemporaryDirectory(async (directory) =>
    keep(deps, salonId, await receiveUpload(ctx, directory, deps.uploadMaxMegabytes), also),
  );
  await deps.cache.invalidate();
  await deps.enqueue(photo);
  return photo;
}

/** Checks a received file and makes it a photo: first its bytes are safe, then the row says so. */
async function keep(
  { db, storage }: UploadDependencies,
  salonId: number,
  upload: Upload,
  also?: AlsoWithPhoto,
): Promise<Photo> {
  const { alt } = validate(photoFields, upload.fields);
  const { contentType, extension, width, height } = await inspectImage(upload.path);
  const { sha256 } = await digestFile(upload.path);
  const originalKey = newOriginalKey(extension);
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
    await storage.store('originals', originalKey, upload.path);
    const photo = await insertPhoto(db, row, also);
    if (!photo) throw new Problem(404, 'there is no such salon');
    return photo;
  } catch (error) {
    // The row may be there although its commit was never confirmed: better an orphan, which goes later, than no file.
    if (isUnavailable(error)) throw error;
    // A bucket may have stored what it never confirmed. What cannot be removed now is an orphan, too.
    await storage.remove('originals', originalKey).catch(() => {});
    throw error;
  }
}
