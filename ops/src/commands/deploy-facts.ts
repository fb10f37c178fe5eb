import type { Settings } from '../config/validate.ts';
import { needsBase } from '../host/base-catalogue.ts';
import { readOfficialImages } from '../host/base-images.ts';
import { listBackups } from '../host/catalogue.ts';
import { type Compose, createCompose } from '../host/compose.ts';
import { listContainers } from '../host/containers.ts';
import { readServedCertificate } from '../host/http.ts';
import { readLedger } from '../host/ledger.ts';
import { isLiveConfig, nameConfig } from '../host/nginx-config.ts';
import { readOwnCertificate } from '../host/own-certificate.ts';
import { paths } from '../host/paths.ts';
import { askImage, digestSettings, findImageKnowing, recallImage } from '../host/release-image.ts';
import { listApplied } from '../host/schema.ts';
import { findImageIds, listLocalImages, localTag } from '../host/service-image.ts';
import { findDump } from '../plan/backups.ts';
import { BASE_IMAGE_KEYS, imagesToBuild } from '../plan/base-images.ts';
import { type Container, isHealthy } from '../plan/containers.ts';
import {
  type DeployFacts,
  findSchemaConflict,
  type ImageSource,
  type SchemaFacts,
} from '../plan/deploy-facts.ts';
import { findPrunable } from '../plan/releases.ts';
import { compareSchema, type Migration, planDown, type SchemaChoice } from '../plan/schema.ts';
import { listNames, renderSite } from '../plan/site.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { ourselvesOf } from './switch-edge.ts';

export interface DeployRequest {
  what: 'deploy' | 'rollback';
  /** Without it this checkout is the release. */
  tag: string | undefined;
  schemaChoice: SchemaChoice;
}

/**
 * Observes everything that planDeploy needs. Changes nothing: an image that is here is asked in a container
 * of its own, without a network.
 * @throws Failure (exit 2) when the image does not accept the settings
 */
export async function observeDeploy(settings: Settings, request: DeployRequest): Promise<DeployFacts> {
  const tag = request.tag ?? (await localTag());
  const reference = `${settings.IMAGE_NAME}:${tag}`;
  const compose = createCompose(settings, { IMAGE_TAG: tag });
  const containers = await listContainers(settings.COMPOSE_PROJECT_NAME);
  const [imageIds, official, configHashes, isConfigLive, applied, prunable, certificate] = await Promise.all([
    findImageIds([reference, ...BASE_IMAGE_KEYS.map((key) => settings[key])]),
    readOfficialImages(),
    compose.configHashes(),
    nameConfig(renderSite(settings)).then(isLiveConfig),
    observeApplied(containers),
    observePrunable(settings, request, tag),
    describeMissingCertificate(settings, containers),
  ]);
  const imageSource: ImageSource = imageIds[reference] ? 'present' : request.tag ? 'pull' : 'build';
  const present = new Set(Object.keys(imageIds));
  const needed = BASE_IMAGE_KEYS.filter((key) => key !== 'NODE_IMAGE' || imageSource === 'build');
  const buildBaseImages = settings.IMAGES === 'debian';
  const toBuild = buildBaseImages ? imagesToBuild(settings, official, present) : [];
  const facts: DeployFacts = {
    tag,
    currentTag: settings.IMAGE_TAG || null,
    imageSource,
    missingBaseImages: needed.filter((key) => !present.has(settings[key]) || toBuild.includes(key)),
    buildBaseImages,
    replicas: Number(settings.API_REPLICAS),
    containers,
    configHashes,
    imageIds,
    nginxConfigChanged: containers.some((one) => one.service === 'nginx') && !isConfigLive,
    schema: null,
    schemaChoice: request.schemaChoice,
    newerTag: null,
    dumpId: null,
    certificate,
    needsBase: await needsBase(paths.backups),
    prunable,
  };
  const imageId = imageIds[reference];
  if (imageId) facts.schema = joinSchema(await migrationsOf(compose, imageId, configHashes), applied);
  await observeWayBack(facts, settings);
  return facts;
}

export async function migrationsOf(
  compose: Compose,
  imageId: string,
  hashes: Readonly<Record<string, string>>,
): Promise<Migration[]> {
  const digest = digestSettings(hashes);
  return (await recallImage(imageId, digest)) ?? askImage(compose, imageId, digest);
}

function joinSchema(image: Migration[], database: Migration[] | null): SchemaFacts | null {
  return database && { image, database, ...compareSchema(image, database) };
}

/** What the database has; null when it does not run. */
async function observeApplied(containers: readonly Container[]): Promise<Migration[] | null> {
  const postgres = containers.find((one) => one.service === 'postgres' && isHealthy(one));
  return postgres ? listApplied(postgres.name) : null;
}

async function observePrunable(settings: Settings, { what }: DeployRequest, tag: string): Promise<string[]> {
  const [ledger, images] = await Promise.all([readLedger(), listLocalImages(settings.IMAGE_NAME)]);
  const entry = { what, tag, result: 'done' as const, started: '', seconds: 0, by: '' };
  const local = images.map((one) => one.tag);
  return findPrunable([...ledger, entry], local, [tag, settings.IMAGE_TAG], Number(settings.KEEP_RELEASES));
}

/** The certificate that nginx does not serve yet, in words. */
async function describeMissingCertificate(
  settings: Settings,
  containers: readonly Container[],
): Promise<string | null> {
  const own = await readOwnCertificate(settings);
  const names = listNames(settings);
  if (!own && names.length === 0) return null;
  const isServed = containers.some((one) => one.service === 'nginx' && one.status === 'running');
  const served = isServed ? await readServedCertificate(ourselvesOf(settings)) : null;
  if (own) return served?.serial === own.serial ? null : 'of TLS_CERT';
  const isDone = served && !served.selfSigned && served.names.toSorted().join() === names.toSorted().join();
  return isDone ? null : `for ${names.join(', ')}`;
}

/** What SCHEMA=down or SCHEMA=restore would need. */
async function observeWayBack(facts: DeployFacts, settings: Settings): Promise<void> {
  const { schema, schemaChoice, currentTag } = facts;
  if (!schema) return;
  const known = schema.image.map(({ name }) => name);
  if (schemaChoice === 'restore') facts.dumpId = findDump(await listBackups(), known)?.id ?? null;
  const undone = planDown(schema.image, schema.database)?.undone;
  if (schemaChoice === 'down' && undone)
    facts.newerTag = await findImageKnowing(settings.IMAGE_NAME, undone, currentTag);
}

/** @throws Failure (exit 2) when the release cannot live with the database and nobody said what to do */
export function refuseConflict(facts: DeployFacts): void {
  const conflict = findSchemaConflict(facts);
  if (!conflict) return;
  const verb = `make rollback TAG=${facts.tag}`;
  throw new Failure(conflict, {
    state: `nothing was changed; release ${facts.currentTag} goes on running`,
    next: [
      `${verb} SCHEMA=down          undoes those migrations with the newer image`,
      `${verb} SCHEMA=restore YES=1 goes back to the dump from before them; what was written since is lost`,
    ].join('\n        '),
    exitCode: EXIT.usage,
  });
}
