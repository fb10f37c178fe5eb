import type { Settings } from '../config/validate.ts';
import { execIn, listContainers, stopContainer } from '../host/containers.ts';
import { containerName } from '../plan/containers.ts';

const STOP_SECONDS = 40;
const APP = ['api', 'worker'];

/** Stops what writes to the database. @returns the names of what ran */
export async function stopApp(settings: Settings): Promise<string[]> {
  const running = (await listContainers(settings.COMPOSE_PROJECT_NAME))
    .filter(({ service, status }) => APP.includes(service) && status === 'running')
    .map(({ name }) => name);
  await Promise.all(running.map((name) => stopContainer(name, STOP_SECONDS)));
  return running;
}

/** What was cached speaks of another database. */
export async function clearCache(settings: Settings): Promise<void> {
  const cache = containerName(settings.COMPOSE_PROJECT_NAME, 'redis_cache');
  await execIn(cache, ['redis-cli', '-p', '6379', 'flushall']);
}
