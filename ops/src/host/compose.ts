import type { Settings } from '../config/validate.ts';
import { findUnhealthy, SERVICES } from '../plan/containers.ts';
import { Failure } from '../report/failure.ts';
import { findCompose } from './compose-plugin.ts';
import { lastLogLines, listContainers } from './containers.ts';
import { attempt, formatCommand, type RunOptions, run } from './exec.ts';

/** What compose would run a service with, every variable filled in. */
export interface ServiceDescription {
  image: string;
  environment: Record<string, string>;
}

const PROGRESS = ['--progress', 'quiet'];

/**
 * Docker Compose with these settings, otherwise exactly as an operator would type it in the root:
 * .env names project and files, so that both see the same containers.
 */
export function createCompose(settings: Settings, overrides: Partial<Settings> = {}) {
  const env = { ...settings, ...overrides } as Record<string, string>;
  const args = (...rest: string[]) => ['compose', ...PROGRESS, ...rest];
  const program = findCompose();
  const call = <T>(how: (file: string, args: string[], options: RunOptions) => Promise<T>, rest: string[]) =>
    how(program.file, [...program.args, ...PROGRESS, ...rest], {
      env,
      shownAs: formatCommand('docker', args(...rest)),
    });

  return {
    env,
    /** Arguments of `docker`, for what takes over the terminal. */
    args,
    /** Runs a compose command. @throws Failure with its last lines */
    run: (...rest: string[]) => call(run, rest),
    attempt: (...rest: string[]) => call(attempt, rest),
    /** What compose would run now: a digest of every service's configuration. */
    async configHashes(): Promise<Record<string, string>> {
      const lines = (await call(run, ['config', '--hash', '*'])).trim().split('\n');
      return Object.fromEntries(lines.map((line) => line.split(/\s+/) as [string, string]));
    },
    async describeService(service: string): Promise<ServiceDescription> {
      const text = await call(run, ['config', '--format', 'json']);
      const { services } = JSON.parse(text) as { services: Record<string, ServiceDescription> };
      const { image = '', environment = {} } = services[service] ?? {};
      // Compose prints a dollar as it would have to be written in its own file.
      const values = Object.entries(environment).map(([key, value]) => [key, value.replaceAll('$$', '$')]);
      return { image, environment: Object.fromEntries(values) };
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
  const containers = await listContainers(projectOf(compose));
  const unhealthy = findUnhealthy(containers).filter((service) => wanted.includes(service));
  if (unhealthy.length === 0) return;
  const suspects = containers.filter((one) => unhealthy.includes(one.service));
  const logs = await Promise.all(suspects.map((one) => lastLogLines(one.name)));
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
