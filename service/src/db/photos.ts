import type { Knex } from 'knex';
import type { PhotoChanges, PhotoState } from '../schemas/photo.ts';

/** One size of a photo; `key` is its path under the variants area, and under /media/ in a URL. */
export interface Variant {
  key: string;
  width: number;
  height: number;
  bytes: number;
}

/** A photo as the rest of the service sees it. Width and height are as displayed, after orientation. */
export interface Photo {
  id: number;
  salonId: number;
  state: PhotoState;
  originalKey: string;
  contentType: string;
  bytes: number;
  sha256: string;
  width: number;
  height: number;
  alt: string | null;
  position: number;
  variants: Variant[];
  jobVersion: number;
  error: string | null;
  createdAt: string;
}

/** What an upload knows about itself. */
export type NewPhoto = Pick<
  Photo,
  'salonId' | 'originalKey' | 'contentType' | 'bytes' | 'sha256' | 'width' | 'height' | 'alt'
>;

/** The files behind a photo's row, to be removed once the row is gone. */
export interface PhotoFiles {
  originalKey: string;
  variantKeys: string[];
}

/** What else is written in the transaction that adds a photo. */
export type AlsoWithPhoto = (trx: Knex, photo: Photo) => Promise<void>;

/** Adds a photo behind the salon's other ones, in state 'uploaded'; undefined when the salon is gone. */
export async function insertPhoto(
  db: Knex,
  photo: NewPhoto,
  also?: AlsoWithPhoto,
): Promise<Photo | undefined> {
  return db.transaction(async (trx) => {
    // One upload at a time per salon decides the position; a salon being deleted waits for it, or it for that.
    const salon = await trx('salons').where({ id: photo.salonId }).forUpdate().first('id');
    if (!salon) return undefined;
    const last = await trx('photos').where({ salon_id: photo.salonId }).max('position as position').first();
    const { salonId, originalKey, contentType, ...same } = photo;
    const named = { salon_id: salonId, original_key: originalKey, content_type: contentType };
    const rows: PhotoRow[] = await trx('photos')
      .insert({ ...named, ...same, position: (last?.position ?? 0) + 1 })
      .returning('*');
    const added = rows[0] && toPhoto(rows[0]);
    if (added) await also?.(trx, added);
    return added;
  });
}

/** The photo with that id, or undefined; those of unpublished salons only when `hidden`. */
export async function findPhoto(db: Knex, id: number, hidden: boolean): Promise<Photo | undefined> {
  const query = db('photos').where('photos.id', id).select('photos.*');
  if (!hidden) query.join('salons', 'salons.id', 'photos.salon_id').where('salons.published', true);
  const rows: PhotoRow[] = await query;
  return rows[0] && toPhoto(rows[0]);
}

/** A salon's photos in their order. */
export async function listPhotos(db: Knex, salonId: number): Promise<Photo[]> {
  const rows: PhotoRow[] = await db('photos').where({ salon_id: salonId }).orderBy(['position', 'id']);
  return rows.map(toPhoto);
}

/**
 * Changes what is given of a photo; undefined when there is no such photo. With a position it takes that place
 * among the salon's photos, or the last one, and all of them are counted from 1 again.
 */
export async function updatePhoto(db: Knex, id: number, changes: PhotoChanges): Promise<Photo | undefined> {
  const { alt, position } = changes;
  return db.transaction(async (trx) => {
    const salonId = await lockSalonOf(trx, id);
    if (!salonId) return undefined;
    if (alt !== undefined) await trx('photos').where({ id }).update({ alt });
    if (position !== undefined) await movePhoto(trx, salonId, id, position);
    const rows: PhotoRow[] = await trx('photos').where({ id });
    return rows[0] && toPhoto(rows[0]);
  });
}

/**
 * Locks the salon of a photo until the transaction ends, as an upload does: two who sort the same photos wait for each
 * other. Always before a photo is locked, or they would wait in a circle. Answers with its id; undefined: no such photo.
 */
export async function lockSalonOf(trx: Knex, photoId: number): Promise<string | undefined> {
  const photo = await trx('photos').where({ id: photoId }).first('salon_id');
  if (photo) await trx('salons').where({ id: photo.salon_id }).forUpdate().first('id');
  return photo?.salon_id;
}

async function movePhoto(trx: Knex, salonId: string, id: number, position: number): Promise<void> {
  const ids: string[] = await trx('photos')
    .where({ salon_id: salonId })
    .orderBy(['position', 'id'])
    .pluck('id');
  const order = ids.filter((other) => other !== String(id));
  order.splice(position - 1, 0, String(id));
  await trx.raw(
    `update photos p set position = wanted.n
     from unnest(?::bigint[]) with ordinality as wanted (id, n) where p.id = wanted.id and p.position <> wanted.n`,
    [order],
  );
}

/** Deletes the row and answers with the files it stood for; undefined when there is no such photo. */
export async function deletePhoto(db: Knex, id: number): Promise<PhotoFiles | undefined> {
  const rows: PhotoRow[] = await db('photos').where({ id }).delete().returning('*');
  return rows[0] && photoFiles(rows[0]);
}

/** The files behind a row. */
export function photoFiles(row: Pick<PhotoRow, 'original_key' | 'variants'>): PhotoFiles {
  return { originalKey: row.original_key, variantKeys: row.variants.map((variant) => variant.key) };
}

/** A row of the table as the driver gives it: bigints as strings. */
export interface PhotoRow {
  id: string;
  salon_id: string;
  state: PhotoState;
  original_key: string;
  content_type: string;
  bytes: string;
  sha256: string;
  width: number;
  height: number;
  alt: string | null;
  position: number;
  variants: Variant[];
  job_version: number;
  error: string | null;
  created_at: Date;
}

/** The row under the service's names. */
export function toPhoto(row: PhotoRow): Photo {
  const { state, sha256, width, height, alt, position, variants, error } = row;
  return {
    id: Number(row.id),
    salonId: Number(row.salon_id),
    bytes: Number(row.bytes),
    originalKey: row.original_key,
    contentType: row.content_type,
    jobVersion: row.job_version,
    createdAt: row.created_at.toISOString(),
    ...{ state, sha256, width, height, alt, position, variants, error },
  };
}
