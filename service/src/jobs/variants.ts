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
 * @returns the narrowest first
 * @throws when the original cannot be decoded to its end.
 */
export async function makeVariants(
  storage: Storage,
  originalKey: string,
  originalWidth: number,
): Promise<Variant[]> {
  return storage.withTemporaryDirectory((directory) =>
    storage.withLocalFile('originals', originalKey, async (path) => {
      const variants: Variant[] = [];
      let source = open(path).autoOrient();
      // The widest first: the others are made of its pixels, so that the original is decoded once.
      for (const wanted of widthsFor(originalWidth).reverse()) {
        const key = variantKey(originalKey, wanted);
        const temporary = join(directory, `${wanted}.webp`);
        const pixels = await shrink(source, wanted).raw().toBuffer({ resolveWithObject: true });
        // Not all of its info: that calls the pixels premultiplied, which they are not.
        const { width, height, channels } = pixels.info;
        source = sharp(pixels.data, { raw: { width, height, channels }, limitInputPixels: MAX_PIXELS });
        // Not toFile: an error of sharp's is then always the image's, one with a code always the disk's.
        const { data, info } = await source
          .clone()
          .webp({ quality: 80, effort: 4 })
          .toBuffer({ resolveWithObject: true });
        await writeFile(temporary, data);
        await storage.store('variants', key, temporary);
        variants.unshift({ key, width: info.width, height: info.height, bytes: info.size });
      }
      return variants;
    }),
  );
}

const open = (path: string): Sharp =>
  sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true });

const shrink = (image: Sharp, width: number): Sharp =>
  image.resize({ width, height: WEBP_MAX_SIDE, fit: 'inside', withoutEnlargement: true });
