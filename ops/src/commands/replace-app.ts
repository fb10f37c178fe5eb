import { setTimeout as delay } from 'node:timers/promises';
import type { Compose } from '../host/compose.ts';
import {
  findContainer,
  lastLogLines,
  listContainers,
  removeContainer,
  startContainer,
} from '../host/containers.ts';
import { askPlainly } from '../host/http.ts';
import { stopIfInterrupted } from '../host/interrupt.ts';
import type { Container } from '../plan/containers.ts';
import { splitByRelease, type Wanted } from '../plan/switch.ts';
import { Failure } from '../report/failure.ts';

export const PORTS = { api: 3000, worker: 3001 } as const;
export type Role = keyof typeof PORTS;

const POLL_MILLISECONDS = 100;

/** The containers of api and worker while one release replaces another. */
export interface AppContainers {
  project: string;
  /** By role: those of the wanted release, and all others. Looked up anew each time. */
  find: (role: Role) => Promise<{ current: Container[]; outdated: Container[] }>;
  /** Creates what the wanted release lacks of a role beside what is there, starts it, waits until it is ready. */
  startBeside: (role: Role) => Promise<Container[]>;
  /** Removes the wanted release's containers of both roles, except those named. */
  removeCurrent: (except: readonly string[]) => Promise<void>;
}

/**
 * @param compose with the wanted release's tag  @param wanted what its containers must be, so that those of a
 * deploy that was killed are told from those of the release that serves
 */
export function createAppContainers(compose: Compose, wanted: Record<Role, Wanted>): AppContainers {
  const project = compose.env.COMPOSE_PROJECT_NAME ?? '';
  const readySeconds = Number(compose.env.READY_SECONDS);
  const replicas = { api: Number(compose.env.API_REPLICAS), worker: 1 };

  const find = async (role: Role) => {
    const { current, outdated } = splitByRelease(await listContainers(project, role), role, wanted[role]);
    // More of it than are wanted go the way of the old ones.
    return {
      current: current.slice(0, replicas[role]),
      outdated: [...outdated, ...current.slice(replicas[role])],
    };
  };

  const createBeside = async (role: Role) => {
    const { current, outdated } = await find(role);
    // What a killed or failed deploy left half done is not worth mending.
    const broken = current.filter((one) => one.status !== 'running');
    await Promise.all(broken.map((one) => removeContainer(one.name)));
    const scale = `${role}=${outdated.length + replicas[role]}`;
    // `create`, not `up`: that one would run the dependency `migrate` again. And not --no-deps: compose then
    // leaves the dependencies out of its digest, and its next plain `up` would replace these containers.
    await compose.run('create', '--no-recreate', '--scale', scale, role);
  };

  return {
    project,
    find,
    startBeside: async (role) => {
      await createBeside(role);
      const { current } = await find(role);
      await Promise.all(
        current.map(async (one) => {
          await startContainer(one.name);
          await waitUntilReady(one, PORTS[role], readySeconds);
        }),
      );
      return (await find(role)).current;
    },
    removeCurrent: async (except) => {
      for (const role of Object.keys(PORTS) as Role[]) {
        const { current } = splitByRelease(await listContainers(project, role), role, wanted[role]);
        const names = current.map((one) => one.name).filter((name) => !except.includes(name));
        await Promise.all(names.map(removeContainer));
      }
    },
  };
}

/**
 * Asks the container itself every 100 ms, so that neither nginx nor the engine's health interval delays it.
 * @throws Failure with its last lines when it crashes or is not ready in time
 */
export async function waitUntilReady(one: Container, port: number, seconds: number): Promise<void> {
  const { name, service, restarts } = one;
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    stopIfInterrupted();
    const container = await findContainer(name);
    const address = Object.values(container?.addresses ?? {}).find(Boolean);
    if (address && (await askPlainly(address, port, '/readyz'))?.status === 200) return;
    const problem =
      describeCrash(container, restarts) ??
      (Date.now() > deadline ? `is not ready after ${seconds} s` : null);
    if (problem)
      throw new Failure(`the new ${service} ${problem}`, {
        command: `docker logs ${name}`,
        log: await lastLogLines(name),
        next: 'correct the release, or READY_SECONDS in .env if it only needs longer',
      });
    await delay(POLL_MILLISECONDS);
  }
}

/**
 * What is wrong with a container that ought to run; null when it does.
 * @param restartsBefore how often the engine had restarted it when we began to look
 */
export function describeCrash(container: Container | null, restartsBefore: number): string | null {
  if (!container) return 'is gone';
  const { status, restarts, exitCode } = container;
  if (restarts > restartsBefore || status === 'restarting') return `crashed (exit ${exitCode})`;
  return status === 'running' ? null : `ended (exit ${exitCode})`;
}
