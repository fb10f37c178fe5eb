import { readFile } from 'node:fs/promises';
import type { Settings } from '../config/validate.ts';
import { readOfficialImages } from '../host/base-images.ts';
import { createCompose, listContainers } from '../host/compose.ts';
import { hashTree } from '../host/files.ts';
import { paths } from '../host/paths.ts';
import { findImageIds, localTag } from '../host/service-image.ts';
import { BASE_IMAGE_KEYS, imagesToBuild } from '../plan/base-images.ts';
import type { DeployFacts, ImageSource } from '../plan/deploy.ts';

/** Observes everything that planDeploy needs; changes nothing. */
export async function observeDeploy(settings: Settings, wantedTag: string | undefined): Promise<DeployFacts> {
  const tag = wantedTag ?? (await localTag());
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  const [imageIds, containers, official, configHashes, changed] = await Promise.all([
    findImageIds([reference, ...BASE_IMAGE_KEYS.map((key) => settings[key])]),
    listContainers(settings.COMPOSE_PROJECT_NAME),
    readOfficialImages(),
    createCompose(settings, { IMAGE_TAG: tag }).configHashes(),
    nginxConfigChanged(),
  ]);
  const buildBaseImages = settings.IMAGES === 'debian';
  const imageSource: ImageSource = imageIds[reference] ? 'present' : wantedTag ? 'pull' : 'build';
  const present = new Set(Object.keys(imageIds));
  const needed = BASE_IMAGE_KEYS.filter((key) => key !== 'NODE_IMAGE' || imageSource === 'build');
  const toBuild = buildBaseImages ? imagesToBuild(settings, official, present) : [];
  return {
    tag,
    currentTag: settings.IMAGE_TAG || null,
    imageSource,
    missingBaseImages: needed.filter((key) => !present.has(settings[key]) || toBuild.includes(key)),
    buildBaseImages,
    containers,
    configHashes,
    imageIds,
    nginxConfigChanged: containers.some((one) => one.service === 'nginx') && changed,
  };
}

const digestFile = `${paths.state}/nginx-config.sha256`;

/** A bind mount's content is no part of compose's configuration hash: it is remembered here instead. */
async function nginxConfigChanged(): Promise<boolean> {
  const applied = await readFile(digestFile, 'utf8').catch(() => '');
  return applied.trim() !== (await nginxConfigDigest());
}

export async function nginxConfigDigest(): Promise<string> {
  return hashTree(paths.root, ['nginx']);
}

export { digestFile as nginxDigestFile };
