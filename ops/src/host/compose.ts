import type { Settings } from '../config/validate.ts';
import type { Container } from '../plan/containers.ts';
import { attempt, lastLines, run } from './exec.ts';

/**
 * Docker Compose with these settings, otherwise exactly as an operator would type it in the root:
 * .env names project and files, so that both see the same containers.
 */
export function createCompose(settings: Settings, overrides: Partial<Settings> = {}) {
  const env = { ...settings, ...overrides } as Record<string, string>;
  const args = (...rest: string[]) => ['compose', ...rest];

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
