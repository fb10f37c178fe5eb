import { performance } from 'node:perf_hooks';

/** Progress goes to stderr; stdout is for results. */
const out = process.stderr;

/** One line of explanation outside a step. */
export function note(text: string): void {
  out.write(`${text}\n`);
}

export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * Runs one step and prints one line for it with its seconds; on a terminal the line counts while it runs. A
 * text that the action returns is added to the line, and there so is what it reports meanwhile. The step's error
 * passes through unchanged.
 */
export async function step<T>(
  label: string,
  action: (progress: (text: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const elapsed = () => formatSeconds(performance.now() - started).padStart(8);
  let so = '';
  const draw = () => out.write(`\r  ..   ${elapsed()}  ${label}${so}\x1b[K`);
  const timer = out.isTTY ? setInterval(draw, 200) : undefined;
  const finish = (mark: string, remark = '') => {
    clearInterval(timer);
    out.write(`${out.isTTY ? '\r\x1b[K' : ''}  ${mark.padEnd(4)} ${elapsed()}  ${label}${remark}\n`);
  };
  try {
    const result = await action((text) => {
      so = ` (${text})`;
    });
    finish('ok', typeof result === 'string' ? ` (${result})` : '');
    return result;
  } catch (error) {
    finish('FAIL');
    throw error;
  }
}
