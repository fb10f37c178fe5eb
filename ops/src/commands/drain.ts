import { setTimeout as delay } from 'node:timers/promises';
import { findContainer, lastLogLines, removeContainer, stopContainer } from '../host/containers.ts';
import { countOldWorkers, type Edge } from '../host/edge.ts';
import { stopIfInterrupted } from '../host/interrupt.ts';
import type { Container } from '../plan/containers.ts';
import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { describeCrash } from './replace-app.ts';

/** Longer than the largest STOP_SECONDS, as compose's own stop_grace_period. */
const STOP_SECONDS = 40;
const POLL_MILLISECONDS = 250;

/**
 * Waits until no nginx worker from before the switch is left: until then requests may be on their way to the
 * old api. Watches the new one meanwhile, while the old one can still take over again.
 * @param before workers from before the switch  @param seconds after which what is left will be cut
 * @throws Failure when a new container crashes
 */
export async function waitForDrain(
  edge: Edge,
  before: readonly number[],
  seconds: number,
  watched: readonly Container[] = [],
): Promise<void> {
  const started = Date.now();
  for (;;) {
    stopIfInterrupted();
    await refuseCrash(watched);
    const count = await countOldWorkers(edge, before);
    if (count === 0) return;
    if (Date.now() - started > seconds * 1000)
      return note(`drain: ${count} workers of nginx still have requests after ${seconds} s (DRAIN_SECONDS)`);
    await delay(POLL_MILLISECONDS);
  }
}

async function refuseCrash(watched: readonly Container[]): Promise<void> {
  for (const { name, service, restarts } of watched) {
    const problem = describeCrash(await findContainer(name), restarts);
    if (problem)
      throw new Failure(`the new ${service} ${problem} while the old one drained`, {
        command: `docker logs ${name}`,
        log: await lastLogLines(name),
        next: 'correct the release',
      });
  }
}

/** Stops old containers and removes them; says what had to be cut. */
export async function retire(containers: readonly Container[]): Promise<void> {
  await Promise.all(
    containers.map(async ({ name, service }) => {
      await stopContainer(name, STOP_SECONDS);
      for (const line of findCut(await lastLogLines(name, 50))) note(`cut in the old ${service}: ${line}`);
      await removeContainer(name);
    }),
  );
}

/** What a process wrote about the work that it did not finish, in words. */
export function findCut(log: string): string[] {
  return log.split('\n').flatMap((line) => {
    try {
      const { msg, requests = [], jobs = [] } = JSON.parse(line) as CutLine;
      if (msg === 'requests cut')
        return requests.map(
          ({ method, path, seconds }) => `${method} ${path} after ${Math.round(seconds)} s`,
        );
      return msg === 'jobs left' ? jobs.map((id) => `job ${id}, which another worker takes up again`) : [];
    } catch {
      return [];
    }
  });
}

interface CutLine {
  msg?: string;
  requests?: { method: string; path: string; seconds: number }[];
  jobs?: string[];
}
