import { performance } from 'node:perf_hooks';

/** Seconds that an action takes, told on stderr while the bench runs. */
export async function seconds(what: string, action: () => Promise<unknown>): Promise<number> {
  process.stderr.write(`${what} … `);
  const started = performance.now();
  await action();
  const value = (performance.now() - started) / 1000;
  process.stderr.write(`${value.toFixed(1)} s\n`);
  return value;
}
