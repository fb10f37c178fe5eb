import type { SiteSettings } from './site.ts';

/** A certificate as nginx serves it. */
export interface Certificate {
  issuer: string;
  selfSigned: boolean;
  /** How long it is valid altogether, and from now. */
  daysTotal: number;
  daysLeft: number;
  /** Hexadecimal. */
  serial: string;
  /** Host names and addresses that it is for. */
  names: string[];
}

/** One line of the ledger about the certificate: another one is served, or the CA gave none. */
export interface CertificateEvent {
  what: 'certificate';
  result: 'served' | 'failed';
  serial?: string;
  names?: string[];
  issuer?: string;
  /** When it was noticed; ISO 8601, UTC. */
  started: string;
  by: string;
  why?: string;
}

/** Nobody renews a certificate of one's own in time who hears of it later. */
const OWN_DAYS = 14;

/**
 * What an operator must do something about, or null. A CA's certificate is renewed when a third of its life is left:
 * under that with failing renewal is trouble, one failure before is not.
 * https://letsencrypt.org/docs/integration-guide/#when-to-renew
 */
export function findTrouble(
  served: Certificate | null,
  error: string | null,
  settings: Pick<SiteSettings, 'DOMAIN'> & { TLS_CERT?: string },
): string | null {
  if (!served) return 'nginx serves no certificate';
  const { daysLeft, daysTotal, selfSigned } = served;
  const ends = daysLeft < 0 ? `has expired ${-daysLeft} days ago` : `expires in ${daysLeft} days`;
  const isLate = daysLeft < daysTotal / 3;
  if (settings.TLS_CERT)
    return daysLeft < Math.min(OWN_DAYS, daysTotal / 3)
      ? `the certificate ${ends}; put a new one where TLS_CERT names it, then make deploy`
      : null;
  if (daysLeft < 0) return `the certificate ${ends}${error ? `: ${error}` : ''}`;
  if (error && (isLate || (selfSigned && settings.DOMAIN)))
    return selfSigned
      ? `there is no trusted certificate yet: ${error}`
      : `the certificate ${ends} and cannot be renewed: ${error}`;
  return null;
}

/** What the ledger does not have yet. @param known its last events about the certificate, oldest first */
export function findNews(
  known: readonly CertificateEvent[],
  served: Certificate | null,
  error: string | null,
  now: string,
): Omit<CertificateEvent, 'by'>[] {
  const last = known.findLast(({ result }) => result === 'served');
  const news: Omit<CertificateEvent, 'by'>[] = [];
  const event = { what: 'certificate' as const, started: now };
  if (served && served.serial !== last?.serial) {
    const { serial, names, issuer } = served;
    news.push({ ...event, result: 'served', serial, names, issuer });
  }
  const latest = known.at(-1);
  if (error && !(latest?.result === 'failed' && latest.why === error))
    news.push({ ...event, result: 'failed', why: error });
  return news;
}
