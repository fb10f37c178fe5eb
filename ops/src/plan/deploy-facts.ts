import { type Container, findUnhealthy, isHealthy, SERVICES } from './containers.ts';
import {
  findBlocking,
  formatMigrations,
  type Migration,
  type SchemaChoice,
  type SchemaPlan,
} from './schema.ts';

/** Where the wanted release's image comes from. */
export type ImageSource = 'present' | 'build' | 'pull';

/** Both lists of migrations, and their difference. */
export interface SchemaFacts extends SchemaPlan {
  image: Migration[];
  database: Migration[];
}

export interface DeployFacts {
  /** The release that is wanted and the one that .env names now. */
  tag: string;
  currentTag: string | null;
  imageSource: ImageSource;
  /** Base images that are not on this engine yet, by variable name. */
  missingBaseImages: string[];
  buildBaseImages: boolean;
  /** How many containers of the api serve. */
  replicas: number;
  containers: Container[];
  /** What compose would run for the wanted release; null when that is not known yet. */
  configHashes: Record<string, string> | null;
  /** Image ids by reference, for those on this engine. */
  imageIds: Record<string, string>;
  nginxConfigChanged: boolean;
  /** Null while the image is not here or the database does not run: then known only on the way. */
  schema: SchemaFacts | null;
  schemaChoice: SchemaChoice;
  /** The release whose image undoes migrations for SCHEMA=down: it must know them all. */
  newerTag: string | null;
  /** The dump that SCHEMA=restore goes back to. */
  dumpId: string | null;
  /** The certificate that nginx does not serve yet, in words: a CA's for the names of DOMAIN, or TLS_CERT. */
  certificate: string | null;
  /** No base backup leads into the WAL that is being received: until there is one, no second can be restored. */
  needsBase: boolean;
  /** Tags whose images go when the deploy is good. */
  prunable: string[];
}

/** Whether every service already runs exactly what compose would start now. */
export function isUpToDate(facts: DeployFacts): boolean {
  const { configHashes, containers } = facts;
  if (!configHashes || facts.imageSource !== 'present' || facts.missingBaseImages.length > 0) return false;
  return findUnhealthy(containers).length === 0 && SERVICES.every((service) => runsAsWanted(facts, service));
}

/** Whether a service has exactly the containers that compose would leave alone, and they are well. */
export function runsAsWanted(facts: DeployFacts, service: string): boolean {
  const own = facts.containers.filter((one) => one.service === service);
  const count = service === 'api' ? facts.replicas : 1;
  return own.length === count && own.every((one) => isWanted(one, facts) && isHealthy(one));
}

/** Whether compose would leave a container alone: its configuration and the image behind its tag are the wanted ones. */
function isWanted(container: Container, { configHashes, imageIds, imageSource }: DeployFacts): boolean {
  const isApp = ['api', 'worker', 'migrate'].includes(container.service);
  return (
    (!isApp || imageSource === 'present') &&
    container.configHash === configHashes?.[container.service] &&
    (imageIds[container.image] ?? container.imageId) === container.imageId
  );
}

/** Whether any container of a service runs, of whichever release. */
export function runs({ containers }: DeployFacts, service: string): boolean {
  return containers.some((one) => one.service === service && one.status === 'running');
}

/** Whether nginx runs and compose would leave it alone: then a release is switched by a reload. */
export function canReload(facts: DeployFacts): boolean {
  return facts.containers.some(
    (one) => one.service === 'nginx' && one.status === 'running' && isWanted(one, facts),
  );
}

/** Why the release cannot go on this database, or null. Marked migrations stop a rollback that was not told what to do. */
export function findSchemaConflict(facts: DeployFacts): string | null {
  const { schema, schemaChoice, tag } = facts;
  if (!schema) return null;
  const blocking = findBlocking(schema);
  if (blocking.length > 0 && schemaChoice === 'keep')
    return `${tag} cannot live with ${formatMigrations(blocking)}, which the database has`;
  if (schemaChoice === 'down' && schema.ahead.length > 0 && !facts.newerTag)
    return `no image on this server knows all of ${formatMigrations(schema.ahead)}, so none can undo them`;
  if (schemaChoice === 'restore' && schema.ahead.length > 0 && !facts.dumpId)
    return `there is no dump from before ${schema.ahead[0]?.name}`;
  return null;
}

/** Migrations that stay although the release does not know them: expanded, and by contract no harm to it. */
export function describeAhead({ schema, schemaChoice, tag }: DeployFacts): string | null {
  if (!schema || schemaChoice !== 'keep' || schema.ahead.length === 0) return null;
  return `the database keeps ${formatMigrations(schema.ahead)}, which ${tag} does not know and need not`;
}
