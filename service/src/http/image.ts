import { MAX_PIXELS } from '../storage/limits.ts';
import { invalid } from './problem.ts';

/** What a file turned out to be; sizes in pixels, as displayed. */
export interface ImageFacts {
  contentType: string;
  extension: string;
  width: number;
  height: number;
}

// What sharp calls the formats that are accepted. AVIF is HEIF with AV1 inside; HEIC proper cannot be decoded here.
const accepted: Record<string, { contentType: string; extension: string }> = {
  jpeg: { contentType: 'image/jpeg', extension: 'jpg' },
  png: { contentType: 'image/png', extension: 'png' },
  webp: { contentType: 'image/webp', extension: 'webp' },
  heif: { contentType: 'image/avif', extension: 'avif' },
};

/**
 * Looks into the file, whatever the client called it. Reads the header only: a bomb is refused before it
 * goes off.
 * @throws {Problem} 422 when it is not an accepted image or has too many pixels.
 */
export async function inspectImage(path: string): Promise<ImageFacts> {
  // Loaded with the first upload: libvips would be half of the api's start-up.
  const { default: sharp } = await import('sharp');
  const metadata = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch(() => notAnImage());
  const format = accepted[metadata.format ?? ''];
  if (!format || (metadata.format === 'heif' && metadata.compression !== 'av1')) return notAnImage();
  // An animation decodes to all its pages.
  const pixels = metadata.width * (metadata.pageHeight ?? metadata.height) * (metadata.pages ?? 1);
  if (pixels > MAX_PIXELS) {
    throw invalid(
      'photo',
      `has ${Math.ceil(pixels / 1e6)} megapixels; at most ${MAX_PIXELS / 1e6} are accepted`,
    );
  }
  return { ...format, width: metadata.autoOrient.width, height: metadata.autoOrient.height };
}

function notAnImage(): never {
  throw invalid('photo', 'is not an image that can be read; accepted are JPEG, PNG, WebP and AVIF');
}
