/** The variables that name base images; the service's own image is not among them. */
export const BASE_IMAGE_KEYS = [
  'POSTGRES_IMAGE',
  'REDIS_IMAGE',
  'NGINX_IMAGE',
  'CERTBOT_IMAGE',
  'NODE_IMAGE',
] as const;

export type BaseImageKey = (typeof BASE_IMAGE_KEYS)[number];
export type BaseImages = Record<BaseImageKey, string>;

/** Marks what was built here from Debian packages, so that nobody takes it for the official image. */
const BUILT_PREFIX = 'atlas-base/';

/** Reads the `NAME_IMAGE=reference` lines that compose/images/build.sh prints. */
export function parseBuiltImages(output: string): Partial<BaseImages> {
  const built: Partial<BaseImages> = {};
  for (const line of output.split('\n')) {
    const [, key, reference] = /^([A-Z]+_IMAGE)=(\S+)$/.exec(line) ?? [];
    if (reference && BASE_IMAGE_KEYS.includes(key as BaseImageKey)) built[key as BaseImageKey] = reference;
  }
  return built;
}

/** Variables whose image must come from Debian packages: an operator's own choice is left alone. */
export function replaceableImages(current: BaseImages, official: BaseImages): BaseImageKey[] {
  return BASE_IMAGE_KEYS.filter(
    (key) => current[key] === official[key] || current[key].startsWith(BUILT_PREFIX),
  );
}

/** Variables that still name an official image although the Debian set is wanted. */
export function imagesToBuild(
  current: BaseImages,
  official: BaseImages,
  present: ReadonlySet<string>,
): BaseImageKey[] {
  return replaceableImages(current, official).filter(
    (key) => !current[key].startsWith(BUILT_PREFIX) || !present.has(current[key]),
  );
}
