import type { Knex } from 'knex';
import type { Photo, Variant } from './photos.ts';

/** A photo that the media queue owes its variants. */
export interface OwedPhoto {
  id: number;
  jobVersion: number;
}

/**
 * Photos in state 'uploaded' that were queued last more than `olderThanSeconds` ago, longest waiting
 * first. They count as queued now, so that the next sweep leaves them alone for as long again.
 */
export async function takeOwedPhotos(
  db: Knex,
  olderThanSeconds: number,
  limit: number,
): Promise<OwedPhoto[]> {
  const owed = db('photos')
    .where('state', 'uploaded')
    .whereRaw("queued_at < now() - ? * interval '1 second'", [olderThanSeconds])
    .orderBy('queued_at')
    .limit(limit)
    // Two workers sweeping at once take different rows.
    .forUpdate()
    .skipLocked()
    .select('id');
  const rows = await db('photos')
    .whereIn('id', owed)
    .update({ queued_at: db.fn.now() })
    .returning(['id', 'job_version']);
  return rows.map((row) => ({ id: Number(row.id), jobVersion: row.job_version }));
}

/** The owed photos with ids above `afterId`, by id, however recently they were queued. */
export async function owedPhotosAfter(db: Knex, afterId: number, limit: number): Promise<OwedPhoto[]> {
  const owed = db('photos').where('state', 'uploaded').where('id', '>', afterId).orderBy('id').limit(limit);
  const rows = await owed.select('id', 'job_version');
  return rows.map((row) => ({ id: Number(row.id), jobVersion: row.job_version }));
}

/** The job version that a photo's row names, and whether the photo is still owed. */
export interface PhotoVersion {
  jobVersion: number;
  state: Photo['state'];
}

/** Those of the photos that there are, by id. */
export async function photoVersions(db: Knex, ids: number[]): Promise<Map<number, PhotoVersion>> {
  const rows = await db('photos').whereIn('id', ids).select('id', 'job_version', 'state');
  return new Map(rows.map((row) => [Number(row.id), { jobVersion: row.job_version, state: row.state }]));
}

/** The next job version: a queue ignores an id that it still remembers as finished. */
export async function bumpJobVersion(db: Knex, id: number): Promise<number | undefined> {
  const [row] = await db('photos')
    .where({ id, state: 'uploaded' })
    .increment('job_version')
    .returning('job_version');
  return row?.job_version;
}

/** Records the finished variants. False when the photo was deleted meanwhile: its files must go too. */
export async function markReady(db: Knex, id: number, variants: Variant[]): Promise<boolean> {
  const done = { state: 'ready', variants: JSON.stringify(variants), error: null };
  return (await db('photos').where({ id }).update(done)) > 0;
}

/** Records that a photo will never have variants, and why, in words for the person who uploaded it. */
export async function markFailed(db: Knex, id: number, error: string, attempts: number): Promise<void> {
  await db('photos')
    .where({ id, state: 'uploaded' })
    .update({ state: 'failed', error: error.slice(0, 500), attempts });
}

/**
 * Makes a photo that was given up owed again, under a new job version; undefined when there is no such photo
 * or it is not in state 'failed'.
 */
export async function oweAgain(db: Knex, id: number): Promise<OwedPhoto | undefined> {
  const [row] = await db('photos')
    .where({ id, state: 'failed' })
    .increment('job_version')
    .update({ state: 'uploaded', error: null, attempts: 0, queued_at: db.fn.now() })
    .returning('job_version');
  return row && { id, jobVersion: row.job_version };
}
