import type { Settings } from '../config/validate.ts';
import { type Compose, createCompose } from '../host/compose.ts';
import type { DeployFacts } from '../plan/deploy-facts.ts';
import type { RegistryLogin } from '../plan/registry-login.ts';
import type { Migration } from '../plan/schema.ts';
import { type AppContainers, createAppContainers, type Role } from './replace-app.ts';

/** What a deploy has in hand while it runs: every step finds here what those before it left. */
export interface DeployState {
  settings: Settings;
  facts: DeployFacts;
  /** For the image, if it must be pulled. */
  login: RegistryLogin | null;
  /** Compose with the wanted release's tag. */
  compose: () => Compose;
  app?: AppContainers;
  /** Containers that served when the deploy began, by name. */
  serving: string[];
  /** nginx was told of the new containers. */
  switched: boolean;
  /** nginx's workers from before that, by pid. */
  workersBefore: number[];
  /** Old containers are going: the way back is over. */
  committed: boolean;
  /** What the database had before this deploy began to migrate it. */
  schemaBefore?: Migration[] | undefined;
  /** The database that a restore put aside. */
  keptDatabase?: string | undefined;
  /** Containers that a restore stopped, by name. */
  stopped: string[];
}

export function createDeployState(
  settings: Settings,
  facts: DeployFacts,
  login: RegistryLogin | null,
): DeployState {
  const state: DeployState = {
    ...{
      settings,
      facts,
      login,
      serving: [],
      switched: false,
      workersBefore: [],
      committed: false,
      stopped: [],
    },
    compose: () => createCompose(state.settings, { IMAGE_TAG: facts.tag }),
  };
  return state;
}

/** The containers of api and worker, now that the image is there. */
export function appOf(state: DeployState): AppContainers {
  const { configHashes, imageIds, tag } = state.facts;
  const imageId = imageIds[`${state.settings.IMAGE_NAME}:${tag}`] ?? '';
  const wanted = (role: Role) => ({ configHash: configHashes?.[role] ?? '', imageId });
  state.app ??= createAppContainers(state.compose(), { api: wanted('api'), worker: wanted('worker') });
  return state.app;
}
