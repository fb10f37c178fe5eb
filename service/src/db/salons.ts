import type { Knex } from 'knex';
import type { Salon, SalonChanges, SalonInput } from '../schemas/salon.ts';
import { numberedSlug, slugify } from '../slug.ts';
import { type PhotoFiles, type PhotoRow, photoFiles } from './photos.ts';
import { readPrepared } from './prepared.ts';
import { COLUMNS, type SalonRow, toSalon } from './salon-row.ts';

export { listSalons, type SalonFilter } from './salon-list.ts';

/** The slug that the client asked for belongs to another salon. */
export class SlugTakenError extends Error {
  override name = 'SlugTakenError';
}

/**
 * The salon with that slug, or undefined; unpublished ones only when `hidden`. Any spelling will do of which slugify
 * makes it, such as what a browser sends decomposed.
 */
export async function findSalon(db: Knex, slug: string, hidden: boolean): Promise<Salon | undefined> {
  // PostgreSQL's text cannot hold NUL, and a URL can.
  const exact = slug.replaceAll('\0', '');
  const row = (await readBySlug(db, exact)) ?? (await readRespelled(db, exact));
  return row && (hidden || row.published) ? toSalon(row) : undefined;
}

const BY_SLUG = {
  name: 'salon-by-slug',
  text: `select ${COLUMNS.join(', ')} from salons where slug = $1`,
};

async function readBySlug(db: Knex, slug: string): Promise<SalonRow | undefined> {
  return (await readPrepared<SalonRow>(db, BY_SLUG, [slug]))[0];
}

/** Not asked again for what is spelled as slugify spells it: most of what is not there is. */
async function readRespelled(db: Knex, slug: string): Promise<SalonRow | undefined> {
  const likely = slugify(slug);
  return likely === slug ? undefined : readBySlug(db, likely);
}

/** The id as a subquery. The slug to the letter comes first: older ones may be spelled as none is made today. */
function idOfSlug(db: Knex, slug: string): Knex.QueryBuilder {
  // PostgreSQL's text cannot hold NUL, and a URL can.
  const spellings = [...new Set([slug.replaceAll('\0', ''), slugify(slug)])];
  return db('salons')
    .whereIn('slug', spellings)
    .orderByRaw('slug = ? desc', [spellings[0] ?? ''])
    .limit(1)
    .select('id');
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
    .returning(COLUMNS);
  return rows[0] && toSalon(rows[0]);
}

/** One more than the highest number in use after this slug. */
async function nextNumber(db: Knex, base: string): Promise<number> {
  const row = await db('salons')
    .whereLike('slug', `${base}-%`)
    .whereRaw("substr(slug, length(?) + 2) ~ '^[0-9]{1,8}$'", [base])
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
      .where('id', idOfSlug(db, slug))
      .update(changes as Partial<SalonRow>)
      .returning(COLUMNS);
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
    const salon = await trx<SalonRow>('salons').where('id', idOfSlug(trx, slug)).forUpdate().first('id');
    if (!salon) return undefined;
    const photos: PhotoRow[] = await trx('photos').where({ salon_id: salon.id }).delete().returning('*');
    await trx('salons').where({ id: salon.id }).delete();
    return photos.map(photoFiles);
  });
}
