import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { digestFile } from '../../src/storage/digest.ts';
import type { Storage } from '../../src/storage/storage.ts';

/**
 * A photo's row, its original of 100 kB and, when it is ready, one variant of as much. Answers with the id.
 * @param stem such as `ab/one`; the files are `ab/one.jpg` and `ab/one-320.webp`.
 */
export async function addStoredPhoto(
  db: Knex,
  storage: Storage,
  salonId: number,
  stem: string,
  state: 'uploaded' | 'ready' | 'failed' = 'ready',
): Promise<number> {
  const bytes = 100_000;
  const original = { key: `${stem}.jpg`, sha256: '' };
  const variants = state === 'ready' ? [{ key: `${stem}-320.webp`, bytes, width: 1, height: 1 }] : [];
  await storage.withTemporaryDirectory(async (directory) => {
    const path = join(directory, 'file');
    const write = (name: string) => writeFile(path, `${name};`.repeat(10_000).slice(0, bytes));
    for (const { key } of variants) {
      await write(`variants/${key}`);
      await storage.store('variants', key, path);
    }
    await write(`originals/${original.key}`);
    original.sha256 = (await digestFile(path)).sha256;
    await storage.store('originals', original.key, path);
  });
  const [row] = await db('photos')
    .insert({
      ...{ salon_id: salonId, state, original_key: original.key, content_type: 'image/jpeg' },
      ...{ sha256: original.sha256, bytes, width: 1, height: 1, position: 1 },
      variants: JSON.stringify(variants),
    })
    .returning('id');
  return Number(row.id);
}
