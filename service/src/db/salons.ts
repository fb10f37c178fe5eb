import type { Knex } from 'knex';
import { numberedSlug, slugify } from '../slug.ts';
import { type PhotoFiles, type PhotoRow, photoFiles } from './photos.ts';

/** What a client may write. */
export interface SalonInput {
  name: string;
  city: string;
  description?: string | null | undefined;
  address?: string | null | undefined;
  phone?: string | null | undefined;
  slug?: string | undefined;
  published?: boolean | undefined;
}

/** A change: what is left out or undefined stays. */
export type SalonChanges = { [K in keyof SalonInput]?: SalonInput[K] | undefined };

/** A salon as the API shows it. */
export interface Salon {
  id: number;
  slug: string;
  name: string;
  city: string;
  description: string | null;
  address: string | null;
  phone: string | null;
  published: boolean;
  createdAt: string;
  updatedAt: string;
}

interface SalonRow extends Omit<Salon, 'id' | 'createdAt' | 'updatedAt'> {
  id: string;
  created_at: Date;
  updated_at: Date;
}

/** The slug that the client asked for belongs to another salon. */
export class SlugTakenError extends Error {
  override name = 'SlugTakenError';
}

/** What a reader wants to see: `hidden` includes unpublished salons. */
export interface SalonFilter {
  city?: string | undefined;
  q?: string | undefined;
  hidden: boolean;
}

/** One page, newest first, at most `limit` rows; `beforeId` is where the page before it ended. */
export async function listSalons(
  db: Knex,
  filter: SalonFilter & { limit: number; beforeId?: number | undefined },
): Promise<Salon[]> {
  const query = db<SalonRow>('salons').orderBy('id', 'desc').limit(filter.limit);
  if (!filter.hidden) query.where('published', true);
  if (filter.city) query.whereRaw('lower(city) = lower(?)', [filter.city]);
  if (filter.q) {
    const pattern = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
    query.where((or) =>
      or.whereILike('name', pattern).orWhereILike('city', pattern).orWhereILike('description', pattern),
    );
  }
  if (filter.beforeId) query.where('id', '<', filter.beforeId);
  return (await query).map(toSalon);
}

/** The salon with that slug, or undefined; unpublished ones only when `hidden`. */
export async function findSalon(db: Knex, slug: string, hidden: boolean): Promise<Salon | undefined> {
  const row = await db<SalonRow>('salons')
    .where({ slug, ...(hidden ? {} : { published: true }) })
    .first();
  return row && toSalon(row);
}

/**
 * Creates a salon. Without a slug it gets one from its name, numbered when that is taken.
 * @throws {SlugTakenError} when the client's own slug is taken.
 */
export async function createSalon(db: Knex, input: SalonInput): Promise<Salon> {
  const { slug, ...columns } = input;
  if (slug) {
    const salon = await insertUnlessTaken(db, columns, slug);
    if (!salon) throw new SlugTakenError(slug);
    return salon;
  }
  const base = slugify(input.name);
  for (let n = 1; ; n = Math.max(n + 1, await nextNumber(db, base))) {
    // Two requests may have read the same next number: the unique index decides, the loser tries on.
    const salon = await insertUnlessTaken(db, columns, numberedSlug(base, n));
    if (salon) return salon;
  }
}

async function insertUnlessTaken(
  db: Knex,
  columns: Omit<SalonInput, 'slug'>,
  slug: string,
): Promise<Salon | undefined> {
  const rows = await db<SalonRow>('salons')
    .insert({ ...columns, slug } as Partial<SalonRow>)
    .onConflict('slug')
    .ignore()
    .returning('*');
  return rows[0] && toSalon(rows[0]);
}

/** One more than the highest number in use after this slug. */
async function nextNumber(db: Knex, base: string): Promise<number> {
  const row = await db('salons')
    .whereRaw("starts_with(slug, ? || '-') and substr(slug, length(?) + 2) ~ '^[0-9]{1,8}$'", [base, base])
    .first(db.raw('max(substr(slug, length(?) + 2)::integer) as highest', [base]));
  return Math.max(row?.highest ?? 1, 1) + 1;
}

/**
 * Changes the given columns of a salon; undefined when there is none with that slug.
 * @throws {SlugTakenError} when the new slug is taken.
 */
export async function updateSalon(db: Knex, slug: string, changes: SalonChanges): Promise<Salon | undefined> {
  if (Object.keys(changes).length === 0) return findSalon(db, slug, true);
  try {
    const rows = await db<SalonRow>('salons')
      .where({ slug })
      .update(changes as Partial<SalonRow>)
      .returning('*');
    return rows[0] && toSalon(rows[0]);
  } catch (error) {
    if ((error as { constraint?: string }).constraint === 'salons_slug_key')
      throw new SlugTakenError(changes.slug);
    throw error;
  }
}

/** Deletes a salon with its photos' rows. Answers with the files they stood for; undefined for no such salon. */
export async function deleteSalon(db: Knex, slug: string): Promise<PhotoFiles[] | undefined> {
  return db.transaction(async (trx) => {
    // The lock keeps an upload that is under way from adding a photo whose file nobody would remove.
    const salon = await trx<SalonRow>('salons').where({ slug }).forUpdate().first('id');
    if (!salon) return undefined;
    const photos: PhotoRow[] = await trx('photos').where({ salon_id: salon.id }).delete().returning('*');
    await trx('salons').where({ id: salon.id }).delete();
    return photos.map(photoFiles);
  });
}

function toSalon(row: SalonRow): Salon {
  const { id, created_at, updated_at, slug, name, city, description, address, phone, published } = row;
  const times = { createdAt: created_at.toISOString(), updatedAt: updated_at.toISOString() };
  return { id: Number(id), slug, name, city, description, address, phone, published, ...times };
}
