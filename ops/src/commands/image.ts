import type { Settings } from '../config/validate.ts';
import { ensureBaseImages } from '../host/base-images.ts';
import { createCompose } from '../host/compose.ts';
import { createEnvFile, loadSettings } from '../host/env-file.ts';
import { withLock } from '../host/lock.ts';
import { askImage, digestSettings } from '../host/release-image.ts';
import { buildServiceImage, findImageIds, localTag } from '../host/service-image.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { step } from '../report/steps.ts';

/** Builds the service's image from this checkout and prints its reference. */
export async function image(options: { tag?: string }): Promise<ExitCode> {
  return withLock('image', 0, async () => {
    await createEnvFile();
    let settings = await loadSettings();
    const tag = options.tag || (await localTag());
    if (!(await findImageIds([settings.NODE_IMAGE]))[settings.NODE_IMAGE]) {
      await step('base image for the build', () => ensureBaseImages(settings, ['NODE_IMAGE']));
      settings = await loadSettings();
    }
    await step(`build image ${tag} from this checkout`, () => buildServiceImage(settings, tag));
    await step(`ask ${tag} whether it accepts the settings, and for its migrations`, () =>
      ask(settings, tag),
    );
    process.stdout.write(`${settings.IMAGE_NAME}:${tag}\n`);
    return EXIT.done;
  });
}

/** A deploy of it then starts at once: an image is asked once for the same settings. */
async function ask(settings: Settings, tag: string): Promise<void> {
  const compose = createCompose(settings, { IMAGE_TAG: tag });
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  const id = (await findImageIds([reference]))[reference] ?? '';
  await askImage(compose, id, digestSettings(await compose.configHashes()));
}
