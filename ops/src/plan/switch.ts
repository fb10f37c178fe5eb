import type { Container } from './containers.ts';

/** What a container must be to belong to the wanted release. */
export interface Wanted {
  configHash: string;
  imageId: string;
}

/**
 * The containers of one service, by whether they belong to the wanted release. A crashed one of it stays
 * one of it: whoever undoes a deploy must find it.
 */
export function splitByRelease(containers: readonly Container[], service: string, wanted: Wanted) {
  const own = containers.filter((one) => one.service === service);
  const isCurrent = (one: Container) =>
    one.configHash === wanted.configHash && one.imageId === wanted.imageId;
  return { current: own.filter(isCurrent), outdated: own.filter((one) => !isCurrent(one)) };
}

/** A container that serves: its name, and its address in nginx's network. */
export interface Server {
  name: string;
  address: string;
}

/**
 * nginx's list of the containers that serve, each twice. By address, because new workers know no name before
 * they have asked for it, and a request in that moment must not go elsewhere; by name, because an address
 * changes when a container or the engine restarts. The first failure puts an address aside for a day.
 */
export function renderUpstream(servers: readonly Server[]): string {
  return servers
    .flatMap(({ name, address }) => [
      ...(address ? [`server ${address}:3000 max_fails=1 fail_timeout=1d;`] : []),
      `server ${name}:3000 resolve max_fails=0;`,
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** The names in such a list. */
export function parseUpstream(text: string): string[] {
  return [...text.matchAll(/^server ([\w.-]+):3000 resolve /gm)].map(([, name]) => name ?? '');
}

/** The number of a list, which nginx tells whoever asks for it: the proof of which one a connection met. */
export function renderGeneration(generation: string): string {
  return `return 200 "${generation}";\n`;
}

/** One process of nginx's container. */
export interface Process {
  pid: number;
  command: string;
}

const WORKER = 'nginx: worker process';

/** nginx's worker processes, by pid; the second list holds those that only finish what they have. */
export function findWorkers(processes: readonly Process[]): { all: number[]; leaving: number[] } {
  const workers = processes.filter(({ command }) => command.startsWith(WORKER));
  const leaving = workers.filter(({ command }) => command.startsWith(`${WORKER} is shutting down`));
  return { all: workers.map(({ pid }) => pid), leaving: leaving.map(({ pid }) => pid) };
}

/**
 * Workers that may still send requests to what an earlier list named: those from before the reload, however
 * far they have got, and whatever else is on its way out.
 */
export function findOldWorkers(processes: readonly Process[], before: readonly number[]): number[] {
  const { all, leaving } = findWorkers(processes);
  return all.filter((pid) => before.includes(pid) || leaving.includes(pid));
}
