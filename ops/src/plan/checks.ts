import type { Condition } from './alerts.ts';

/** One line of `make doctor`. */
export interface Check {
  name: string;
  /** unknown is never as good as pass. */
  result: 'pass' | 'fail' | 'unknown';
  detail: string;
  /** What to do; empty when it passed. */
  next: string;
}

const RESULTS = { well: 'pass', wrong: 'fail', unknown: 'unknown' } as const;

/** What an alert may be about, as a check. */
export function toCheck({ name, state, title, next }: Condition): Check {
  return { name, result: RESULTS[state], detail: title, next: state === 'well' ? '' : next };
}

/** A check that passed. */
export const pass = (name: string, detail: string): Check => ({ name, result: 'pass', detail, next: '' });
export const fail = (name: string, detail: string, next: string): Check => ({
  ...{ name, result: 'fail', detail, next },
});
export const unknown = (name: string, detail: string, next: string): Check => ({
  ...{ name, result: 'unknown', detail, next },
});

/** Certificates, tokens and backups by age go wrong beyond it. */
const CLOCK_SECONDS = 60;

/**
 * Whether the clock can be believed.
 * @param newest the ledger's latest time, which must not lie ahead; ISO 8601  @param synchronized what the system says of NTP
 * @param elsewhere what another server's clock says, by HTTP, or null; milliseconds, as now
 */
export function checkClock(
  {
    newest,
    synchronized,
    elsewhere,
  }: { newest: string | null; synchronized: boolean; elsewhere: number | null },
  now: number,
): Check {
  const next = 'timedatectl set-ntp true; timedatectl shows what is wrong';
  if (newest && Date.parse(newest) > now + CLOCK_SECONDS * 1000)
    return fail('clock', `it is behind what the ledger has seen (${newest})`, next);
  if (elsewhere !== null) {
    const off = Math.round(Math.abs(now - elsewhere) / 1000);
    return off <= CLOCK_SECONDS
      ? pass('clock', "agrees with the CA's")
      : fail('clock', `${off} s off what the CA's server says`, next);
  }
  if (synchronized) return pass('clock', 'synchronized by NTP');
  return unknown('clock', 'not synchronized by NTP, and no server to compare it with could be asked', next);
}

const MEMORY_BYTES = 200_000_000;

/** @param memory bytes; null: the kernel does not tell */
export function checkMemory(memory: { available: number; total: number } | null): Check {
  const next = 'docker stats; a larger server, or fewer API_REPLICAS';
  if (!memory) return unknown('memory', '/proc/meminfo does not tell', next);
  const detail = `${Math.round(memory.available / 1e6)} MB available of ${Math.round(memory.total / 1e6)} MB`;
  return memory.available < MEMORY_BYTES ? fail('memory', detail, next) : pass('memory', detail);
}

/**
 * Where DOMAIN leads.
 * @param found addresses by name; a text says why there are none, null that nobody could be asked
 * @param own this machine's addresses
 */
export function checkDns(
  found: Readonly<Record<string, string[] | string | null>>,
  own: readonly string[],
): Check {
  const next = "correct the names' A and AAAA records, or DOMAIN in .env";
  const entries = Object.entries(found);
  const missing = entries.filter(([, value]) => typeof value === 'string').map(([name]) => name);
  if (missing.length > 0) return fail('DNS', `there is no address for ${missing.join(', ')}`, next);
  const silent = entries.filter(([, value]) => value === null).map(([name]) => name);
  if (silent.length > 0)
    return unknown('DNS', `nobody answers for ${silent.join(', ')}`, 'cat /etc/resolv.conf');
  const elsewhere = entries.filter(
    ([, addresses]) =>
      !(addresses ?? [])
        .toString()
        .split(',')
        .some((one) => own.includes(one)),
  );
  if (elsewhere.length > 0)
    return unknown(
      'DNS',
      `${elsewhere.map(([name, addresses]) => `${name} leads to ${addresses}`).join('; ')}: no address of this machine's own, as behind NAT or a CDN`,
      next,
    );
  const detail = entries.map(([name]) => name).join(', ');
  return pass('DNS', detail ? `${detail}: leads here` : 'DOMAIN is not set: no name to look up');
}
