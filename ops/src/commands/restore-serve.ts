import type { Settings } from '../config/validate.ts';
import { bringUp, type Compose } from '../host/compose.ts';
import { execIn, listContainers, runOneOff, startContainer } from '../host/containers.ts';
import { lastLines } from '../host/exec.ts';
import type { Container } from '../plan/containers.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { clearCache } from './app-state.ts';
import { PORTS, type Role, waitUntilReady } from './replace-app.ts';
import { pointNginxAt } from './switch-edge.ts';

/** What both ways of restoring have in hand when the restored data are in place. */
export interface Serving {
  settings: Settings;
  compose: Compose;
}

/** What was cached, and what is queued, speaks of another database. */
export async function reconcile({ settings, compose }: Serving): Promise<string | undefined> {
  await clearCache(settings);
  const project = settings.COMPOSE_PROJECT_NAME;
  const { image, environment } = await compose.describeService('worker');
  const command = ['jobs', 'reconcile'];
  const network = `${project}_data`;
  const { exitCode, output } = await runOneOff({
    project,
    service: 'worker',
    image,
    environment,
    command,
    network,
  });
  if (exitCode === 0) return lastLines(output, 1);
  if (exitCode === EXIT.usage && output.includes('unknown role'))
    return 'this release cannot reconcile its jobs';
  throw new Failure('the jobs could not be reconciled with the restored database', {
    command: `docker compose run --rm worker ${command.join(' ')}`,
    log: lastLines(output),
  });
}

/** Starts the api, which does no job, and does not wait for it: it takes as long to start as the jobs to reconcile. */
export async function startApi({ settings }: Serving): Promise<void> {
  for (const { name } of await listContainers(settings.COMPOSE_PROJECT_NAME, 'api'))
    await startContainer(name);
}

/** Starts again what was stopped, without waiting for the engine to notice that it is healthy. */
export async function serve({ settings, compose }: Serving): Promise<void> {
  const find = async (role: Role) => listContainers(settings.COMPOSE_PROJECT_NAME, role);
  const [api, worker] = [await find('api'), await find('worker')];
  if (api.length === 0 || worker.length === 0) await bringUp(compose);
  const start = async (one: Container, role: Role) => {
    await startContainer(one.name);
    await waitUntilReady(one, PORTS[role], Number(settings.READY_SECONDS));
  };
  await Promise.all([...api.map((one) => start(one, 'api')), ...worker.map((one) => start(one, 'worker'))]);
  // Started again they may have other addresses.
  await pointNginxAt(
    settings,
    (await find('api')).filter(({ status }) => status === 'running'),
  );
}

/** Tells of rows whose file is nowhere; no reason to take anything back. */
export async function checkPhotos(settings: Settings): Promise<string | undefined> {
  const [api] = await listContainers(settings.COMPOSE_PROJECT_NAME, 'api');
  const command = ['node', '/app/dist/main.js', 'media', 'check', '--json'];
  const { exitCode, output } = await execIn(api?.name ?? '', command);
  if (exitCode === 0) return undefined;
  note(`  photos without a file: docker exec ${api?.name} ${command.join(' ')}\n${lastLines(output, 3)}`);
  return 'not every one: see above';
}

/** What taking back a restore could not take back. @param next what to type */
export const leftInBetween = (failure: Failure, reason: unknown, next: string): Failure =>
  new Failure(failure.message, {
    ...failure.details,
    state: `in between, in maintenance: ${reason instanceof Error ? reason.message : reason}`,
    next,
    exitCode: EXIT.human,
  });
