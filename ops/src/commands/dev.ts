import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ensureBaseImages } from '../host/base-images.ts';
import { bringUp, createCompose } from '../host/compose.ts';
import { listContainers } from '../host/containers.ts';
import { createEnvFile, loadSettings } from '../host/env-file.ts';
import { attach } from '../host/exec.ts';
import { paths } from '../host/paths.ts';
import { findImageIds } from '../host/service-image.ts';
import type { Container } from '../plan/containers.ts';
import { DATA_SERVICES } from '../plan/deploy.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';

/**
 * api and worker from source with reload, against the data containers. Their network publishes nothing,
 * but the host's own bridge reaches them by address.
 */
export async function dev(): Promise<ExitCode> {
  await createEnvFile();
  await prepareBaseImages();
  const settings = await loadSettings();
  await refuseBesideDeployment(settings.COMPOSE_PROJECT_NAME);
  // compose reads all its files, so the image of the services that do not run here needs some name too.
  const compose = createCompose(settings, { IMAGE_TAG: settings.IMAGE_TAG || 'dev' });
  await step('postgres and both Redis up and healthy', () => bringUp(compose, ...DATA_SERVICES));
  const containers = await listContainers(settings.COMPOSE_PROJECT_NAME);
  const address = (service: string) => addressOf(containers, service);
  const uploads = path.join(paths.uploads, 'dev');
  await mkdir(uploads, { recursive: true });
  const env = {
    NODE_ENV: 'development',
    LOG_LEVEL: settings.LOG_LEVEL,
    RELEASE: 'dev',
    DATABASE_URL: `postgres://atlas:${settings.POSTGRES_APP_PASSWORD}@${address('postgres')}:5432/atlas`,
    REDIS_CACHE_URL: `redis://:${settings.REDIS_CACHE_PASSWORD}@${address('redis_cache')}:6379`,
    REDIS_QUEUE_URL: `redis://:${settings.REDIS_QUEUE_PASSWORD}@${address('redis_queue')}:6380`,
    SESSION_SECRET: settings.SESSION_SECRET,
    UPLOADS_DIR: uploads,
    UPLOAD_MAX_MB: settings.UPLOAD_MAX_MB,
    PANEL_STATUS_FILE: paths.panelStatus,
  };
  const role = (name: string, port: string, ...watch: string[]) =>
    attach('node', [...watch, '--import', 'tsx', 'service/src/main.ts', name], { ...env, PORT: port });
  if ((await role('migrate', '3000')) !== 0) return EXIT.failed;
  note('api on http://localhost:3000, worker health on http://localhost:3001; Ctrl-C ends both');
  await Promise.all([role('api', '3000', '--watch'), role('worker', '3001', '--watch')]);
  return EXIT.done;
}

/** One queue, two workers with different files: a job would go to whichever asks first. */
async function refuseBesideDeployment(project: string): Promise<void> {
  const running = (await listContainers(project)).filter(
    ({ service, status }) => status === 'running' && ['api', 'worker'].includes(service),
  );
  if (running.length === 0) return;
  throw new Failure('the deployed api and worker run in this project; dev would share their queue', {
    state: 'nothing was changed',
    next: 'docker compose stop api worker, then make dev',
    exitCode: EXIT.usage,
  });
}

async function prepareBaseImages(): Promise<void> {
  const settings = await loadSettings();
  const present = await findImageIds([settings.POSTGRES_IMAGE, settings.REDIS_IMAGE]);
  const missing = (['POSTGRES_IMAGE', 'REDIS_IMAGE'] as const).filter((key) => !present[settings[key]]);
  if (missing.length > 0) await step('base images', () => ensureBaseImages(settings, missing));
}

function addressOf(containers: readonly Container[], service: string): string {
  const found = containers.find((one) => one.service === service);
  const address = Object.values(found?.addresses ?? {}).find(Boolean);
  if (!address)
    throw new Failure(`the container of ${service} has no address`, { next: `make logs SERVICE=${service}` });
  return address;
}
