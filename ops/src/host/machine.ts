import { resolve4, resolve6 } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { attempt } from './exec.ts';
import { exists } from './files.ts';

/** What the kernel could still hand out, in bytes; null when it does not tell. */
export async function readMemory(): Promise<{ available: number; total: number } | null> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const bytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  const [available, total] = [bytes('MemAvailable'), bytes('MemTotal')];
  return available >= 0 && total > 0 ? { available, total } : null;
}

/** Whether the system says that NTP keeps the clock. */
export async function isClockSynchronized(): Promise<boolean> {
  const args = ['show', '--property=NTPSynchronized', '--value'];
  const { stdout } = await attempt('timedatectl', args, { timeoutSeconds: 5 });
  return stdout.trim() === 'yes';
}

/** What another server's clock says, by its Date header, in milliseconds; null when it cannot be asked. */
export async function readTimeElsewhere(url: string): Promise<number | null> {
  try {
    const signal = AbortSignal.timeout(5000);
    const { headers } = await fetch(url, { method: 'HEAD', redirect: 'manual', signal });
    const time = Date.parse(headers.get('date') ?? '');
    return Number.isNaN(time) ? null : time;
  } catch {
    return null;
  }
}

/** A name's addresses; a text when it has none; null when nobody could be asked. */
export async function resolveName(name: string): Promise<string[] | string | null> {
  const found = await Promise.allSettled([resolve4(name), resolve6(name)]);
  const addresses = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  if (addresses.length > 0) return addresses;
  const codes = found.map((one) => (one.status === 'rejected' ? (one.reason as { code?: string }).code : ''));
  return codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA') ? 'no address' : null;
}

/** This machine's addresses. */
export function listOwnAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

/** Whether cron runs (Debian's and Ubuntu's write its pid there), and whether it has this project's jobs. */
export async function observeCron(project: string): Promise<{ runs: boolean; installed: boolean }> {
  const pid = (await readFile('/run/crond.pid', 'utf8').catch(() => '')).trim();
  const name = pid ? await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '') : '';
  return { runs: name.trim() === 'cron', installed: await exists(`/etc/cron.d/${project}`) };
}
