import type { Container } from '../plan/containers.ts';
import { askEngine, callEngine, isMissing, joinStreams } from './engine.ts';
import { lastLines } from './exec.ts';

interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  RestartCount: number;
  Config: { Labels: Record<string, string>; Image: string; Env: string[] };
  State: { Status: string; ExitCode: number; StartedAt: string; Health?: { Status: string } };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

/** Every container of a project or of one of its services, in the order of their services and numbers. */
export async function listContainers(project: string, service?: string): Promise<Container[]> {
  const labels = [`com.docker.compose.project=${project}`];
  if (service) labels.push(`com.docker.compose.service=${service}`);
  const filters = encodeURIComponent(JSON.stringify({ label: labels }));
  const found = await askEngine<{ Id: string }[]>('GET', `/containers/json?all=1&filters=${filters}`);
  const inspected = await Promise.all(found.map(({ Id }) => inspect(Id)));
  return inspected
    .filter((one) => one !== null)
    .filter((one) => one.Config.Labels['com.docker.compose.oneoff'] !== 'True')
    .map(toContainer)
    .sort((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
}

/** One container as it is now; null when it is gone. */
export async function findContainer(name: string): Promise<Container | null> {
  const found = await inspect(name);
  return found && toContainer(found);
}

async function inspect(name: string): Promise<Inspected | null> {
  return askEngine<Inspected>('GET', `/containers/${name}/json`).catch((error) => {
    if (isMissing(error)) return null;
    throw error;
  });
}

function toContainer(one: Inspected): Container {
  const labels = one.Config.Labels;
  return {
    name: one.Name.replace(/^\//, ''),
    service: labels['com.docker.compose.service'] ?? '',
    number: Number(labels['com.docker.compose.container-number'] ?? 1),
    configHash: labels['com.docker.compose.config-hash'] ?? '',
    image: one.Config.Image,
    imageId: one.Image,
    status: one.State.Status,
    health: one.State.Health?.Status ?? null,
    exitCode: one.State.ExitCode,
    restarts: one.RestartCount,
    startedAt: one.State.StartedAt,
    addresses: Object.fromEntries(
      Object.entries(one.NetworkSettings.Networks).map(([network, { IPAddress }]) => [network, IPAddress]),
    ),
  };
}

/** Starts a container that is there. Starting a running one is no error. */
export async function startContainer(name: string): Promise<void> {
  await callEngine('POST', `/containers/${name}/start`);
}

/** Starts a one-shot and waits for its end. @returns its exit code */
export async function runToEnd(name: string): Promise<number> {
  // Asked before the start: a short one-shot may end before the question arrives.
  const ended = askEngine<{ StatusCode: number }>('POST', `/containers/${name}/wait?condition=next-exit`);
  await startContainer(name);
  return (await ended).StatusCode;
}

/** SIGTERM, the time it may need in seconds, SIGKILL. A container that is gone or stopped is no error. */
export async function stopContainer(name: string, seconds: number): Promise<void> {
  await callEngine('POST', `/containers/${name}/stop?t=${seconds}`).catch(unlessMissing);
}

/** Removes a container, running or not. One that is gone is no error. */
export async function removeContainer(name: string): Promise<void> {
  await callEngine('DELETE', `/containers/${name}?force=1&v=1`).catch(unlessMissing);
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** The last lines that a container wrote to either stream; empty when there are none or it is gone. */
export async function lastLogLines(name: string, count = 15): Promise<string> {
  const query = `stdout=1&stderr=1&tail=${count}`;
  const bytes = await callEngine('GET', `/containers/${name}/logs?${query}`).catch(() => Buffer.alloc(0));
  return lastLines(joinStreams(bytes), count);
}

/** Runs a command in a running container. @returns its exit code and what it wrote to both streams */
export async function execIn(
  name: string,
  command: readonly string[],
): Promise<{ exitCode: number; output: string }> {
  const { Id } = await askEngine<{ Id: string }>('POST', `/containers/${name}/exec`, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: command,
  });
  const bytes = await callEngine('POST', `/exec/${Id}/start`, { Detach: false, Tty: false });
  const { ExitCode } = await askEngine<{ ExitCode: number }>('GET', `/exec/${Id}/json`);
  return { exitCode: ExitCode, output: joinStreams(bytes) };
}

/** The command line of every process in a container, with its pid on the host. */
export async function listProcesses(name: string): Promise<{ pid: number; command: string }[]> {
  const { Processes } = await askEngine<{ Processes: [string, string][] }>(
    'GET',
    `/containers/${name}/top?ps_args=${encodeURIComponent('-eo pid,args')}`,
  );
  return Processes.map(([pid, command]) => ({ pid: Number(pid), command }));
}

export interface OneOff {
  project: string;
  service: string;
  image: string;
  environment: Record<string, string>;
  command: readonly string[];
  /** A network of the engine, or `none`. */
  network: string;
}

/**
 * Runs one of the image's commands in a container of its own, which is gone afterwards.
 * @returns exit code and what it wrote to both streams
 */
export async function runOneOff(one: OneOff): Promise<{ exitCode: number; output: string }> {
  const { Id } = await askEngine<{ Id: string }>('POST', '/containers/create', {
    Image: one.image,
    Cmd: one.command,
    Env: Object.entries(one.environment).map(([key, value]) => `${key}=${value}`),
    Labels: {
      // Compose's own marks of `compose run`: whatever lists or removes a project finds it, were we killed.
      'com.docker.compose.project': one.project,
      'com.docker.compose.service': one.service,
      'com.docker.compose.oneoff': 'True',
    },
    HostConfig: {
      NetworkMode: one.network,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      ReadonlyRootfs: true,
      Memory: 256 * 2 ** 20,
    },
  });
  try {
    const exitCode = await runToEnd(Id);
    return { exitCode, output: await lastLogLines(Id, 1000) };
  } finally {
    await removeContainer(Id);
  }
}
