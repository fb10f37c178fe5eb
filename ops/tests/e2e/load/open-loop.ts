import type { Agent } from 'node:https';
import { performance } from 'node:perf_hooks';
import { type LoadContext, sendOne } from './clients.ts';
import { createAgent } from './http1.ts';
import { pause } from './pause.ts';

/**
 * Requests begin at a fixed rate, whether or not those before them were answered. Each takes the connection
 * that has been idle longest; when all are busy it waits for one, and that wait is part of its time.
 */
export async function runOpenLoop(
  load: LoadContext,
  connections: number,
  ratePerSecond: number,
): Promise<void> {
  const pool = createPool(Array.from({ length: connections }, createAgent));
  const underWay = new Set<Promise<void>>();
  const started = performance.now();
  const arrive = async (due: number) => {
    const agent = await pool.take();
    // Counted from when it was due: a generator that falls behind must not make the service look faster.
    await sendOne(load, agent, performance.now() - due);
    pool.giveBack(agent);
  };
  for (let n = 0; !load.stopping.aborted; n += 1) {
    const due = started + (n * 1000) / ratePerSecond;
    if (due > performance.now()) await pause(due - performance.now(), load.stopping);
    const arrival = arrive(due);
    underWay.add(arrival);
    void arrival.finally(() => underWay.delete(arrival));
  }
  await Promise.all(underWay);
  pool.destroy();
}

/** The agents in the order in which they became idle. */
function createPool(agents: Agent[]) {
  const idle = [...agents];
  const waiting: ((agent: Agent) => void)[] = [];
  return {
    take: async (): Promise<Agent> => idle.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    giveBack: (agent: Agent): void => {
      const next = waiting.shift();
      if (next) next(agent);
      else idle.push(agent);
    },
    destroy: (): void => {
      for (const agent of agents) agent.destroy();
    },
  };
}
