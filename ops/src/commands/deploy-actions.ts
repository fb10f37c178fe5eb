import { setPriority } from 'node:os';
import type { Settings } from '../config/validate.ts';
import { ensureBaseImages } from '../host/base-images.ts';
import { bringUp } from '../host/compose.ts';
import { reloadNginx } from '../host/edge.ts';
import { loadSettings, updateEnvFile } from '../host/env-file.ts';
import { ignoreInterrupts } from '../host/interrupt.ts';
import { adoptConfig, writeConfig } from '../host/nginx-config.ts';
import { paths } from '../host/paths.ts';
import { forgetImages } from '../host/release-image.ts';
import { createRestorePoint } from '../host/restore-points.ts';
import { migrateUp } from '../host/schema.ts';
import { buildServiceImage, listLocalImages, pullServiceImage, removeImage } from '../host/service-image.ts';
import { ensureWalRole } from '../host/wal-role.ts';
import { BASE_IMAGE_KEYS } from '../plan/base-images.ts';
import { BASE_STORE } from '../plan/bases.ts';
import { containerName } from '../plan/containers.ts';
import { earlyServices, pointOf, type StepId } from '../plan/deploy.ts';
import { canReload, runs, runsAsWanted } from '../plan/deploy-facts.ts';
import { renderSite } from '../plan/site.ts';
import { awaitCertificate } from './certs.ts';
import { appOf, type DeployState } from './deploy-state.ts';
import { retire, waitForDrain } from './drain.ts';
import { createSchemaActions } from './schema-actions.ts';
import { checkPublicly, edgeOf, pinServing, pointNginxAt, rehearse } from './switch-edge.ts';
import { takeBase } from './take-base.ts';

const NICE = 10;

/** What each step of a deploy does. Every action is safe to repeat: a killed deploy is simply run again. */
export function createDeployActions(
  state: DeployState,
): Record<Exclude<StepId, 'ask'>, () => Promise<unknown>> {
  const { facts } = state;
  const { tag } = facts;
  return {
    'base-images': async () => {
      const missing = BASE_IMAGE_KEYS.filter((key) => facts.missingBaseImages.includes(key));
      await ensureBaseImages(state.settings, missing);
      state.settings = await loadSettings();
    },
    build: () => buildServiceImage(state.settings, tag),
    pull: () => pullServiceImage(state.settings, tag, state.login),
    data: () => bringUp(state.compose(), ...earlyServices(facts)),
    wal: () => startReceiver(state),
    point: () => markPresent(state),
    base: () => secure(state),
    ...createSchemaActions(state),
    beside: () => startBeside(state),
    switch: () => switchOver(state),
    worker: async () => {
      giveWay();
      await appOf(state).startBeside('worker');
    },
    drain: () => drain(state),
    retire: () => retireOld(state),
    settle: () => settle(state),
    nginx: async () => {
      await adoptWanted(state.settings);
      await reloadNginx(edgeOf(state.settings));
    },
    check: () => checkPublicly(state.settings, tag, Number(state.settings.READY_SECONDS)),
    record: () => updateEnvFile({ IMAGE_TAG: tag }),
    certificate: () => awaitCertificate(state.settings),
    prune: () => prune(state),
  };
}

/** The receiver's role first: without it nobody lets it in. */
async function startReceiver(state: DeployState): Promise<void> {
  const { COMPOSE_PROJECT_NAME, POSTGRES_WAL_PASSWORD } = state.settings;
  await ensureWalRole(containerName(COMPOSE_PROJECT_NAME, 'postgres'), POSTGRES_WAL_PASSWORD);
  await bringUp(state.compose(), 'wal');
}

/** A name in the WAL: make restore POINT= goes back to it. A deploy can do without. */
async function markPresent({ settings, facts }: DeployState): Promise<string | undefined> {
  const postgres = containerName(settings.COMPOSE_PROJECT_NAME, 'postgres');
  try {
    await createRestorePoint(postgres, pointOf(facts.tag), paths.backups);
    return undefined;
  } catch (error) {
    return `not made: ${(error as Error).message}`;
  }
}

/** The release serves: what goes wrong here alarms and undoes nothing. */
async function secure({ settings }: DeployState): Promise<string> {
  try {
    return `backups/${BASE_STORE}/${(await takeBase(settings, (_, action) => action(() => {}))).id}`;
  } catch (error) {
    return `not taken, next: make base; ${(error as Error).message}`;
  }
}

/** Nobody waits for the rest: from here on this process and what it starts give way to those who serve. */
function giveWay(): void {
  setPriority(NICE);
}

async function startBeside(state: DeployState): Promise<void> {
  const { facts, settings } = state;
  const app = appOf(state);
  state.serving = await pinServing(settings, runs(facts, 'nginx'));
  const fresh = await app.startBeside('api');
  // An nginx that is about to be replaced, or has not read its new files yet, may not know the rehearsal.
  if (canReload(facts) && !facts.nginxConfigChanged) await rehearse(settings, facts.tag, fresh);
}

async function switchOver(state: DeployState): Promise<void> {
  const { facts, settings } = state;
  const { current } = await appOf(state).find('api');
  state.switched = true;
  await pointNginxAt(settings, current);
  await adoptWanted(settings);
  if (canReload(facts)) state.workersBefore = await reloadNginx(edgeOf(settings));
  else await bringUp(state.compose(), 'certbot', 'nginx');
  await checkPublicly(settings, facts.tag, canReload(facts) ? 1 : Number(settings.READY_SECONDS));
}

async function drain(state: DeployState): Promise<void> {
  const { settings } = state;
  const { current, outdated } = await appOf(state).find('api');
  if (outdated.length > 0)
    await waitForDrain(edgeOf(settings), state.workersBefore, Number(settings.DRAIN_SECONDS), current);
}

async function retireOld(state: DeployState): Promise<void> {
  const app = appOf(state);
  const [api, worker] = [await app.find('api'), await app.find('worker')];
  state.committed = true;
  ignoreInterrupts();
  await retire(api.outdated);
  await retire(worker.outdated);
}

/** What is left to be as plain `docker compose up -d` would have it; usually the one-shot alone. */
async function settle(state: DeployState): Promise<void> {
  const compose = state.compose();
  // It is about to be started, and the test of what is wanted is behind us.
  if (!runs(state.facts, 'nginx')) await adoptWanted(state.settings);
  // By itself, never within `up`: when compose replaces the one-shot it stops whatever depends on it.
  if (!state.schemaBefore && !runsAsWanted(state.facts, 'migrate')) await migrateUp(compose);
  await bringUp(compose);
}

/** What nginx/ and the settings make now, tested when the deploy began, is what nginx reads next. */
async function adoptWanted(settings: Settings): Promise<void> {
  await adoptConfig(await writeConfig(renderSite(settings)));
}

async function prune({ settings, facts }: DeployState): Promise<string | undefined> {
  const kept: string[] = [];
  for (const tag of facts.prunable) if (!(await removeImage(`${settings.IMAGE_NAME}:${tag}`))) kept.push(tag);
  await forgetImages((await listLocalImages(settings.IMAGE_NAME)).map(({ id }) => id));
  return kept.length > 0 ? `in use and kept: ${kept.join(', ')}` : undefined;
}
