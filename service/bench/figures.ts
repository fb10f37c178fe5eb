import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** The value in the middle. */
export const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Requests a second over 16 kept connections. @throws Error unless every answer was 2xx */
export function rate(url: string, script?: string): number {
  const options = ['-t1', '-c16', '-d4s', ...(script ? ['-s', script] : [])];
  const told = execFileSync('wrk', [...options, url], { encoding: 'utf8' });
  if (/Non-2xx|Socket errors/.test(told)) throw new Error(`${url}\n${told}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(told)?.[1]);
}

/** Milliseconds that 99 of 100 requests did not take longer than, one after the other. */
export async function p99(urls: string[]): Promise<number> {
  const times: number[] = [];
  for (const url of urls) {
    const started = performance.now();
    const answer = await fetch(url);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${url}: HTTP ${answer.status}`);
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
}
