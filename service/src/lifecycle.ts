import type { Server } from 'node:http';
import type { Logger } from './log.ts';

/** How far a process is on its way out. */
export interface Lifecycle {
  readonly draining: boolean;
  /** Registers one step of the shutdown; steps run in the order in which they were registered. */
  onStop(name: string, step: () => Promise<unknown>): void;
  /** Runs the steps once, however often it is called, and ends the process with code 0. */
  stop(reason: string): Promise<void>;
}

/**
 * Ends the process in order on SIGTERM and SIGINT. From the first signal `draining` is true: readiness answers
 * 503 and every answer says `Connection: close`. A step that fails is logged and does not stop the others.
 * @param deadlineSeconds after which the process ends whatever the steps do.
 */
export function createLifecycle(log: Logger, deadlineSeconds: number): Lifecycle {
  const steps: { name: string; step: () => Promise<unknown> }[] = [];
  let stopping: Promise<void> | undefined;

  async function run(reason: string): Promise<void> {
    const started = performance.now();
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.warn({ deadlineSeconds }, 'stopped at the deadline');
      process.exit(0);
    }, deadlineSeconds * 1000).unref();
    for (const { name, step } of steps) {
      await step().catch((err) => log.warn({ err, step: name }, 'shutdown step failed'));
    }
    log.info({ ms: Math.round(performance.now() - started) }, 'stopped');
    process.exit(0);
  }

  const lifecycle: Lifecycle = {
    get draining() {
      return stopping !== undefined;
    },
    onStop: (name, step) => steps.push({ name, step }),
    stop: (reason) => {
      stopping ??= run(reason);
      return stopping;
    },
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => lifecycle.stop(signal));
  return lifecycle;
}

/** Logs what nobody caught and ends the process with code 1: its state can no longer be trusted. */
export function exitOnUncaught(log: Logger): void {
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'uncaught');
    process.exit(1);
  });
}

/**
 * Closes an HTTP server without losing a request. Closing the listener also closes idle keep-alive
 * connections, and a request may already be under way on one; so the server first goes on answering, every
 * answer with `Connection: close` (http/middleware/headers.ts), until its clients have gone or `lingerSeconds` are over.
 * @param deadlineSeconds after which connections that are still open are cut.
 * @param beforeCut called when that is about to happen, to tell what is lost.
 */
export async function drainServer(
  server: Server,
  lingerSeconds: number,
  deadlineSeconds: number,
  beforeCut = () => {},
): Promise<void> {
  const lingerUntil = performance.now() + lingerSeconds * 1000;
  while (performance.now() < lingerUntil && (await countConnections(server)) > 0) await pause(50);
  const cut = setTimeout(() => {
    beforeCut();
    server.closeAllConnections();
  }, deadlineSeconds * 1000);
  await new Promise((resolve) => server.close(resolve));
  clearTimeout(cut);
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
