import { ensureBaseImages } from '../host/base-images.ts';
import { createEnvFile, loadSettings } from '../host/env-file.ts';
import { withLock } from '../host/lock.ts';
import { buildServiceImage, findImageIds, localTag } from '../host/service-image.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { step } from '../report/steps.ts';

/** Builds the service's image from this checkout and prints its reference. */
export async function image(options: { tag?: string }): Promise<ExitCode> {
  return withLock('image', async () => {
    await createEnvFile();
    let settings = await loadSettings();
    const tag = options.tag || (await localTag());
    if (!(await findImageIds([settings.NODE_IMAGE]))[settings.NODE_IMAGE]) {
      await step('base image for the build', () => ensureBaseImages(settings, ['NODE_IMAGE']));
      settings = await loadSettings();
    }
    await step(`build image ${tag} from this checkout`, () => buildServiceImage(settings, tag));
    process.stdout.write(`${settings.IMAGE_NAME}:${tag}\n`);
    return EXIT.done;
  });
}
