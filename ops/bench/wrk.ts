import { execa } from 'execa';

export interface WrkResult {
  requestsPerSecond: number;
  /** Of bodies and headers, without TLS's own. */
  megabytesPerSecond: number;
}

/**
 * Loads one URL over kept connections for some seconds.
 * @throws Error when any answer was not 2xx or a connection failed
 */
export async function runWrk(
  url: string,
  { connections = 32, seconds = 6, headers = {} as Record<string, string> } = {},
): Promise<WrkResult> {
  const { stdout } = await execa('wrk', [
    ...['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    url,
  ]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}\n${stdout}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const [, amount, unit = 'MB'] = /Transfer\/sec:\s+([\d.]+)(B|KB|MB|GB)/.exec(stdout) ?? [];
  const factor = { B: 1e-6, KB: 1024 / 1e6, MB: 2 ** 20 / 1e6, GB: 2 ** 30 / 1e6 }[unit] ?? 1;
  return { requestsPerSecond: rate, megabytesPerSecond: Number(amount) * factor };
}
