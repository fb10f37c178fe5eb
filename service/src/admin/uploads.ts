import type { Knex } from 'knex';
import type { Context } from 'koa';
import { recordAudit } from '../db/audit.ts';
import type { AlsoWithPhoto, Photo } from '../db/photos.ts';
import { type Actor, audited } from './actor.ts';
import { methodNotAllowed } from './login.ts';

const PATH = /^\/admin\/api\/uploads\/salons\/([1-9]\d{0,14})$/;

/**
 * Reads the request's body and makes its file a photo of that salon, and `also` in the same transaction: the API's
 * own way in.
 */
export type AcceptPhoto = (ctx: Context, salonId: number, also: AlsoWithPhoto) => Promise<Photo>;

/** The salon that a photo is being uploaded to from the panel, by the request's path; else undefined. */
export function uploadTarget(path: string): number | undefined {
  const id = PATH.exec(path)?.[1];
  return id === undefined ? undefined : Number(id);
}

/**
 * Takes a photo from a page of the panel. Only behind the guard: nothing here asks who sends it.
 * @throws 404 before the body when there is no such salon, else what `accept` throws.
 */
export async function upload(
  ctx: Context,
  { db, accept, salonId, actor }: { db: Knex; accept: AcceptPhoto; salonId: number; actor: Actor },
): Promise<Photo> {
  if (ctx.method !== 'POST') methodNotAllowed(ctx, 'POST');
  if (!(await db('salons').where({ id: salonId }).first('id'))) ctx.throw(404, 'This salon no longer exists');
  const photo = await accept(ctx, salonId, (trx, { id, alt }) =>
    recordAudit(trx, {
      ...{ ...audited(actor), action: 'create', resource: 'photos', recordId: String(id) },
      after: { salon_id: salonId, alt },
    }),
  );
  ctx.status = 201;
  ctx.body = { id: photo.id, state: photo.state };
  return photo;
}
