import { type Container, findUnhealthy, SERVICES } from './containers.ts';

/** Where the wanted release's image comes from. */
export type ImageSource = 'present' | 'build' | 'pull';

export interface DeployFacts {
  /** The release that is wanted and the one that .env names now. */
  tag: string;
  currentTag: string | null;
  imageSource: ImageSource;
  /** Base images that are not on this engine yet, by variable name. */
  missingBaseImages: string[];
  buildBaseImages: boolean;
  containers: Container[];
  /** What compose would run for the wanted release; null when that is not known yet. */
  configHashes: Record<string, string> | null;
  /** Image ids by reference, for those on this engine. */
  imageIds: Record<string, string>;
  nginxConfigChanged: boolean;
}

export type StepId =
  | 'base-images'
  | 'build'
  | 'pull'
  | 'data'
  | 'migrate'
  | 'up'
  | 'nginx'
  | 'check'
  | 'record';

export interface Step {
  id: StepId;
  label: string;
}

/** Whether every service already runs exactly what compose would start now. */
export function isUpToDate(facts: DeployFacts): boolean {
  const { configHashes, containers, imageIds } = facts;
  if (!configHashes || facts.imageSource !== 'present' || facts.missingBaseImages.length > 0) return false;
  if (findUnhealthy(containers).length > 0) return false;
  return SERVICES.every((service) =>
    containers.some(
      (container) =>
        container.service === service &&
        container.configHash === configHashes[service] &&
        (imageIds[container.image] ?? container.imageId) === container.imageId,
    ),
  );
}

/** The steps from the facts to the wanted release, in order. Pure: the same facts give the same plan. */
export function planDeploy(facts: DeployFacts): Step[] {
  const { tag } = facts;
  const steps: (Step | false)[] = [
    facts.missingBaseImages.length > 0 && {
      id: 'base-images',
      label: `${facts.buildBaseImages ? 'build' : 'pull'} base images: ${facts.missingBaseImages.join(', ')}`,
    },
    facts.imageSource === 'build' && { id: 'build', label: `build image ${tag} from this checkout` },
    facts.imageSource === 'pull' && { id: 'pull', label: `pull image ${tag}` },
    ...(isUpToDate(facts)
      ? []
      : ([
          { id: 'data', label: 'postgres and both Redis up and healthy' },
          // Before anything is replaced: `up` alone would stop api and worker first and only then find out
          // that the migration fails.
          { id: 'migrate', label: `migrate the database with ${tag}` },
          { id: 'up', label: `all services on ${tag}, healthy` },
        ] satisfies Step[])),
    facts.nginxConfigChanged && { id: 'nginx', label: 'test and reload the changed nginx configuration' },
    { id: 'check', label: `check https through nginx: release ${tag} answers` },
    facts.currentTag !== tag && { id: 'record', label: `IMAGE_TAG=${tag} in .env` },
  ];
  return steps.filter((step) => step !== false);
}
