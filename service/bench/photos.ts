import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Knex } from 'knex';
import sharp from 'sharp';
import { widthsFor } from '../src/jobs/variants.ts';
import { gradient, photoForm } from '../tests/support/images.ts';

const COUNT = 24;
/** Jobs at once, as in the worker. */
const CONCURRENCY = 2;

/** So many different photographs of three megapixels. */
export function makePhotos(): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: COUNT }, async (_, n) => {
      const noise = { type: 'gaussian' as const, mean: 100 + n, sigma: 30 };
      const grain = await sharp({
        create: { width: 2000, height: 1500, channels: 3, background: '#888', noise },
      })
        .png()
        .toBuffer();
      return gradient(2000, 1500)
        .composite([{ input: grain, blend: 'soft-light' }])
        .jpeg({ quality: 88 })
        .toBuffer();
    }),
  );
}

/** Photos a second from the first byte sent to the last row that is ready. */
export async function throughPipeline(
  url: string,
  token: string,
  db: Knex,
  photos: Buffer[],
): Promise<number> {
  const path = `${url}/api/salons/bench/photos`;
  const left = [...photos];
  const started = performance.now();
  const client = async () => {
    for (let photo = left.pop(); photo; photo = left.pop()) {
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch(path, { method: 'POST', headers, body: photoForm(photo) });
      if (answer.status !== 201) throw new Error(`upload: HTTP ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  for (;;) {
    const [row] = await db('photos').whereNot({ state: 'ready' }).count({ left: '*' });
    if (Number(row?.left) === 0) break;
    await pause(10);
  }
  return photos.length / ((performance.now() - started) / 1000);
}

/** Photos a second of sharp alone: the same variants of the same files, in memory. */
export async function throughSharp(photos: Buffer[]): Promise<number> {
  sharp.concurrency(1);
  const left = [...photos];
  const started = performance.now();
  const worker = async () => {
    for (let photo = left.pop(); photo; photo = left.pop())
      for (const width of widthsFor(2000))
        await sharp(photo, { sequentialRead: true })
          .autoOrient()
          .resize({ width, withoutEnlargement: true })
          .webp({ quality: 80, effort: 4 })
          .toBuffer();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return photos.length / ((performance.now() - started) / 1000);
}
