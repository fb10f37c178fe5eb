import type { Settings } from '../config/validate.ts';
import { findImageIds } from '../host/service-image.ts';
import { refuse } from '../report/failure.ts';

/** The release that .env names, which serves on when the data are restored. @throws Failure (exit 2) without its image */
export async function findServingRelease(settings: Settings): Promise<{ release: string; imageId: string }> {
  const release = settings.IMAGE_TAG;
  if (!release) throw refuse('nothing has been deployed yet', 'make deploy, then the same command again');
  const reference = `${settings.IMAGE_NAME}:${release}`;
  const imageId = (await findImageIds([reference]))[reference];
  if (!imageId) throw refuse(`the image ${reference} is not on this server`, `make deploy TAG=${release}`);
  return { release, imageId };
}
