import type { Settings } from '../config/validate.ts';
import { ensureBaseImages } from '../host/base-images.ts';
import { createCompose } from '../host/compose.ts';
import { createEnvFile, loadSettings } from '../host/env-file.ts';
import { withLock } from '../host/lock.ts';
import { publishServiceImage } from '../host/publish-image.ts';
import { askImage, digestSettings } from '../host/release-image.ts';
import { buildServiceImage, findImageIds, localTag } from '../host/service-image.ts';
import { parsePlatforms } from '../plan/image-build.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { checkTag } from './deploy-input.ts';

export interface ImageOptions {
  tag?: string;
  push?: boolean;
  platforms: string;
}

/** Builds the service's image from this checkout, for this engine or for a registry, and prints its reference. */
export async function image(options: ImageOptions): Promise<ExitCode> {
  return options.push ? publish(options) : build(options);
}

async function publish({ tag: given, platforms }: ImageOptions): Promise<ExitCode> {
  const tag = checkTag(given);
  const list = parsePlatforms(platforms);
  if (!tag || !list)
    throw new Failure(tag ? `not a list of platforms: ${platforms}` : 'a published image needs a tag', {
      state: 'nothing was built',
      next: 'make image PUSH=1 TAG=v1.2.3 PLATFORMS=linux/amd64,linux/arm64',
      exitCode: EXIT.usage,
    });
  return withLock('image', 0, async () => {
    await createEnvFile();
    const settings = await loadSettings();
    note(`building ${settings.IMAGE_NAME}:${tag} for ${list.join(' and ')}, and pushing it`);
    process.stdout.write(`${await publishServiceImage(settings, tag, list)}\n`);
    return EXIT.done;
  });
}

async function build(options: ImageOptions): Promise<ExitCode> {
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
