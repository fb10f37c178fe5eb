import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import type { Variant } from '../db/photos.ts';
import { variantKey } from '../storage/keys.ts';
import { MAX_PIXELS } from '../storage/limits.ts';
import type { Storage } from '../storage/storage.ts';

/** Widths in pixels, for a phone's list, a phone's page and a desktop's page. */
export const VARIANT_WIDTHS = [320, 800, 1600];

// The format's own limit in either direction.
const WEBP_MAX_SIDE = 16_383;

// Two photos at once is the queue's concurrency; libvips threads on top would only fight over the cores.
sharp.concurrency(1);
sharp.cache(false);

/** The widths worth making of an image that is `width` wide: never enlarged, none twice. */
export function widthsFor(width: number): number[] {
  return [...new Set(VARIANT_WIDTHS.map((wanted) => Math.min(wanted, width)))];
}

/**
 * Makes the WebP variants of one original and stores them: upright, without EXIF, in sRGB.
 * @throws when the original cannot be decoded to its end.
 */
export async function makeVariants(storage: Storage, originalKey: string, width: number): Promise<Variant[]> {
  return storage.withTemporaryDirectory((directory) =>
    storage.withLocalFile('originals', originalKey, async (path) => {
      const variants: Variant[] = [];
      for (const wanted of widthsFor(width)) {
        const key = variantKey(originalKey, wanted);
        const temporary = join(directory, `${wanted}.webp`);
        // Not toFile: an error of sharp's is then always the image's, one with a code always the disk's.
        const { data, info } = await resize(path, wanted).toBuffer({ resolveWithObject: true });
        await writeFile(temporary, data);
        await storage.store('variants', key, temporary);
        variants.push({ key, width: info.width, height: info.height, bytes: info.size });
      }
      return variants;
    }),
  );
}

function resize(path: string, width: number): Sharp {
  // sharp drops metadata unless told to keep it, but only after autoOrient has used it.
  return sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true })
    .autoOrient()
    .resize({ width, height: WEBP_MAX_SIDE, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80, effort: 4 });
}
