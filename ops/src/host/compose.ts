import type { Settings } from '../config/validate.ts';
import { type Container, findUnhealthy, SERVICES } from '../plan/containers.ts';
import { Failure } from '../report/failure.ts';
import { attempt, lastLines, run } from './exec.ts';

/**
 * Docker Compose with these settings, otherwise exactly as an operator would type it in the root:
 * .env names project and files, so that both see the same containers.
 */
export function createCompose(settings: Settings, overrides: Partial<Settings> = {}) {
  const env = { ...settings, ...overrides } as Record<string, string>;
  const args = (...rest: string[]) => ['compose', '--progress', 'quiet', ...rest];

  return {
    env,
    args,
    /** Runs a compose command. @throws Failure with its last lines */
    run: (...rest: string[]) => run('docker', args(...rest), { env }),
    attempt: (...rest: string[]) => attempt('docker', args(...rest), { env }),
    /** What compose would run now: a digest of every service's configuration. */
    async configHashes(): Promise<Record<string, string>> {
      const lines = (await run('docker', args('config', '--hash', '*'), { env })).trim().split('\n');
      return Object.fromEntries(lines.map((line) => line.split(/\s+/) as [string, string]));
    },
    /** The last lines a service's containers wrote; empty when there are none. */
    async lastLogLines(service: string, count = 15): Promise<string> {
      const outcome = await attempt('docker', args('logs', '--no-color', '--tail', String(count), service), {
        env,
      });
      return lastLines(`${outcome.stdout}\n${outcome.stderr}`, count);
    },
  };
}

export type Compose = ReturnType<typeof createCompose>;

const START_SECONDS = 180;

/**
 * Brings services up and waits until they are healthy; without names all of them, and then every service of
 * the topology must be. @throws Failure with the last lines of each container that is not
 */
export async function bringUp(compose: Compose, ...services: string[]): Promise<void> {
  const wanted: readonly string[] = services.length > 0 ? services : SERVICES;
  await wakeCrashLoops(compose, wanted);
  const outcome = await compose.attempt(
    'up',
    '--detach',
    '--wait',
    '--wait-timeout',
    String(START_SECONDS),
    ...services,
  );
  // `up --wait` counts the finished one-shot as a failure in some versions: the containers decide.
  const found = findUnhealthy(await listContainers(projectOf(compose)));
  const unhealthy = found.filter((service) => wanted.includes(service));
  if (unhealthy.length === 0) return;
  const logs = await Promise.all(unhealthy.map((service) => compose.lastLogLines(service)));
  throw new Failure(`not healthy: ${unhealthy.join(', ')}`, {
    command: outcome.command,
    log: [outcome.stderr, ...logs].filter((text) => text.trim()).join('\n'),
    next: `make logs SERVICE=${unhealthy[0]}`,
  });
}

const projectOf = (compose: Compose) => compose.env.COMPOSE_PROJECT_NAME ?? '';

/**
 * A container that crashed often waits up to a minute before the engine tries again, and `up` neither wakes
 * it nor waits for it: what made it crash may be mended by now.
 */
async function wakeCrashLoops(compose: Compose, services: readonly string[]): Promise<void> {
  const looping = (await listContainers(projectOf(compose)))
    .filter(({ service, status }) => status === 'restarting' && services.includes(service))
    .map(({ service }) => service);
  if (looping.length > 0) await compose.attempt('restart', '--no-deps', ...looping);
}

interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  RestartCount: number;
  Config: { Labels: Record<string, string>; Image: string };
  State: { Status: string; ExitCode: number; StartedAt: string; Health?: { Status: string } };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

/** Every container of a project, one-shots included, in the order of their service names. */
export async function listContainers(project: string): Promise<Container[]> {
  const filter = `label=com.docker.compose.project=${project}`;
  const ids = (await run('docker', ['ps', '--all', '--quiet', '--filter', filter]))
    .split('\n')
    .filter(Boolean);
  if (ids.length === 0) return [];
  const inspected = JSON.parse(
    await run('docker', ['inspect', '--type', 'container', ...ids]),
  ) as Inspected[];
  return inspected
    .filter((container) => container.Config.Labels['com.docker.compose.oneoff'] !== 'True')
    .map(toContainer)
    .sort((a, b) => (a.service < b.service ? -1 : 1));
}

function toContainer(container: Inspected): Container {
  const labels = container.Config.Labels;
  return {
    name: container.Name.replace(/^\//, ''),
    service: labels['com.docker.compose.service'] ?? '',
    configHash: labels['com.docker.compose.config-hash'] ?? '',
    image: container.Config.Image,
    imageId: container.Image,
    status: container.State.Status,
    health: container.State.Health?.Status ?? null,
    exitCode: container.State.ExitCode,
    restarts: container.RestartCount,
    startedAt: container.State.StartedAt,
    addresses: Object.values(container.NetworkSettings.Networks).map((network) => network.IPAddress),
  };
}
