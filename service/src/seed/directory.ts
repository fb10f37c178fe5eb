import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { insertPhoto, type Photo } from '../db/photos.ts';
import { createSalon, findSalon, SlugTakenError } from '../db/salons.ts';
import type { Salon } from '../schemas/salon.ts';
import { slugify } from '../slug.ts';
import type { Storage } from '../storage/storage.ts';
import type { Example } from './example.ts';
import { elsewhere } from './examples-elsewhere.ts';
import { iran } from './examples-iran.ts';
import { drawPicture, HEIGHT, WIDTH } from './picture.ts';

/** Every example; the last is the newest, and so the first in the list. */
export const examples: readonly Example[] = [...elsewhere, ...iran];

export interface SeedDependencies {
  db: Knex;
  storage: Storage;
  /** Asks for the variants of a new photo; may fail without a word, the sweeper asks again. */
  enqueue(photo: Photo): Promise<void>;
}

/** How many salons there are that are no example. */
export async function countOthers(db: Knex): Promise<number> {
  const slugs = examples.map(({ name }) => slugify(name));
  const row = await db('salons').whereNotIn('slug', slugs).count({ total: '*' }).first();
  return Number(row?.total ?? 0);
}

/**
 * Adds the examples that are not there yet with their pictures, and answers with how many of each. A second run
 * adds nothing, one that follows a killed one adds the rest. A salon of somebody else's with the same slug stays as it is.
 */
export async function seedDirectory(
  deps: SeedDependencies,
  list: readonly Example[] = examples,
): Promise<{ salons: number; photos: number }> {
  const added = { salons: 0, photos: 0 };
  for (const [index, example] of list.entries()) {
    const slug = slugify(example.name);
    const { salon, isNew } = await provideSalon(deps.db, example, slug);
    if (isNew) added.salons += 1;
    if (salon?.name !== example.name || salon.city !== example.city) continue;
    for (let n = 0; n < 2 + (index % 2); n++) {
      if (await providePhoto(deps, salon, index + n)) added.photos += 1;
    }
  }
  return added;
}

async function provideSalon(
  db: Knex,
  example: Example,
  slug: string,
): Promise<{ salon: Salon | undefined; isNew: boolean }> {
  const salon = await findSalon(db, slug, true);
  if (salon) return { salon, isNew: false };
  try {
    return { salon: await createSalon(db, { published: true, ...example, slug }), isNew: true };
  } catch (error) {
    if (error instanceof SlugTakenError) return { salon: undefined, isNew: false };
    throw error;
  }
}

/** As an upload does it: first the bytes are safe, then the row says so. The key tells whether it was done before. */
async function providePhoto({ db, storage, enqueue }: SeedDependencies, salon: Salon, n: number) {
  const id = createHash('sha256').update(`example ${salon.slug} ${n}`).digest('hex').slice(0, 32);
  const originalKey = `${id.slice(0, 2)}/${id}.jpg`;
  if (await db('photos').where({ original_key: originalKey }).first('id')) return false;
  const bytes = await paint(drawPicture(salon.slug, n));
  await storage.withTemporaryDirectory(async (directory) => {
    const path = join(directory, 'picture.jpg');
    await writeFile(path, bytes);
    await storage.store('originals', originalKey, path);
  });
  const photo = await insertPhoto(db, {
    ...{ salonId: salon.id, originalKey, contentType: 'image/jpeg', width: WIDTH, height: HEIGHT },
    ...{ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), alt: salon.name },
  });
  if (photo) await enqueue(photo);
  return photo !== undefined;
}

async function paint(svg: string): Promise<Buffer> {
  // Loaded with the first picture: a second run needs none.
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg)).jpeg({ quality: 84 }).toBuffer();
}
