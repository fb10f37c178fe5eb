import { writeFile } from 'node:fs/promises';
import { ensureBaseImages } from '../host/base-images.ts';
import { bringUp } from '../host/compose.ts';
import { reloadNginx } from '../host/edge.ts';
import { loadSettings, updateEnvFile } from '../host/env-file.ts';
import { ignoreInterrupts } from '../host/interrupt.ts';
import { forgetImages } from '../host/release-image.ts';
import { migrateUp } from '../host/schema.ts';
import { buildServiceImage, listLocalImages, pullServiceImage, removeImage } from '../host/service-image.ts';
import { BASE_IMAGE_KEYS } from '../plan/base-images.ts';
import type { Container } from '../plan/containers.ts';
import { DATA_SERVICES, type StepId } from '../plan/deploy.ts';
import { canReload, runs, runsAsWanted } from '../plan/deploy-facts.ts';
import { nginxConfigDigest, nginxDigestFile } from './deploy-facts.ts';
import { appOf, type DeployState } from './deploy-state.ts';
import { retire, waitForDrain } from './drain.ts';
import { createSchemaActions } from './schema-actions.ts';
import { checkPublicly, edgeOf, pinServing, pointNginxAt, rehearse } from './switch-edge.ts';

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
    pull: () => pullServiceImage(state.settings, tag),
    data: () => bringUp(state.compose(), ...DATA_SERVICES),
    ...createSchemaActions(state),
    beside: () => startBeside(state),
    switch: () => switchOver(state),
    worker: async () => {
      await appOf(state).startReady('worker');
    },
    drain: () => drain(state),
    settle: () => settle(state),
    nginx: async () => {
      await reloadNginx(edgeOf(state.settings));
      await rememberNginxConfig();
    },
    check: () => checkPublicly(state.settings, tag, Number(state.settings.READY_SECONDS)),
    record: () => updateEnvFile({ IMAGE_TAG: tag }),
    prune: () => prune(state),
  };
}

async function startBeside(state: DeployState): Promise<void> {
  const { facts, settings } = state;
  const app = appOf(state);
  state.serving = await pinServing(settings, runs(facts, 'nginx'));
  await app.createBeside();
  const fresh = await app.startReady('api');
  // An nginx that is about to be replaced, or has not read its new files yet, may not know the rehearsal.
  if (canReload(facts) && !facts.nginxConfigChanged) await rehearse(settings, facts.tag, fresh);
}

async function switchOver(state: DeployState): Promise<void> {
  const { facts, settings } = state;
  const { current } = await appOf(state).find('api');
  state.switched = true;
  await pointNginxAt(settings, current);
  if (canReload(facts)) state.workersBefore = await reloadNginx(edgeOf(settings));
  else await bringUp(state.compose(), 'certbot', 'nginx');
  await rememberNginxConfig();
  await checkPublicly(settings, facts.tag, canReload(facts) ? 1 : Number(settings.READY_SECONDS));
}

async function drain(state: DeployState): Promise<void> {
  const { settings, facts } = state;
  const app = appOf(state);
  const [api, worker] = [await app.find('api'), await app.find('worker')];
  if (api.outdated.length > 0 && canReload(facts))
    await waitForDrain(edgeOf(settings), state.workersBefore, Number(settings.DRAIN_SECONDS), [
      ...api.current,
      ...worker.current,
    ]);
  state.committed = true;
  ignoreInterrupts();
  const olds: Container[][] = [api.outdated, worker.outdated];
  for (const old of olds) await retire(old);
}

/** What is left to be as plain `docker compose up -d` would have it; usually the one-shot alone. */
async function settle(state: DeployState): Promise<void> {
  const compose = state.compose();
  // By itself, never within `up`: when compose replaces the one-shot it stops whatever depends on it.
  if (!state.schemaBefore && !runsAsWanted(state.facts, 'migrate')) await migrateUp(compose);
  await bringUp(compose);
  if (!state.facts.nginxConfigChanged) await rememberNginxConfig();
}

async function rememberNginxConfig(): Promise<void> {
  await writeFile(nginxDigestFile, `${await nginxConfigDigest()}\n`);
}

async function prune({ settings, facts }: DeployState): Promise<string | undefined> {
  const kept: string[] = [];
  for (const tag of facts.prunable) if (!(await removeImage(`${settings.IMAGE_NAME}:${tag}`))) kept.push(tag);
  await forgetImages((await listLocalImages(settings.IMAGE_NAME)).map(({ id }) => id));
  return kept.length > 0 ? `in use and kept: ${kept.join(', ')}` : undefined;
}
