import type { BackupEvent } from './backup-events.ts';
import type { Certificate } from './certificate.ts';
import type { LedgerEntry } from './releases.ts';

const RELEASES_SHOWN = 10;

/** A backup, or a drill that restored one. */
export interface PanelRun {
  /** When it ended; ISO 8601, UTC. */
  at: string;
  seconds?: number;
  bytes?: number;
  result: string;
}

/** What the admin panel shows of the server. Read by everybody who may open the panel: never a secret. */
export interface PanelStatus {
  /** ISO 8601, UTC; all below is as of then. */
  writtenAt: string;
  /** The latest first. */
  releases: Pick<LedgerEntry, 'what' | 'tag' | 'result' | 'started' | 'seconds' | 'by'>[];
  certificate: Pick<Certificate, 'issuer' | 'selfSigned' | 'daysTotal' | 'daysLeft'> | null;
  disk: { freeBytes: number; totalBytes: number } | null;
  backup: PanelRun | null;
  drill: PanelRun | null;
}

interface Facts extends Pick<PanelStatus, 'disk'> {
  ledger: readonly LedgerEntry[];
  backups: readonly BackupEvent[];
  certificate: Certificate | null;
  /** ISO 8601, UTC. */
  now: string;
}

/** Picks the fields one by one: what the facts hold besides, such as the reason of a failure, stays here. */
export function describeForPanel({ ledger, backups, certificate, now, disk }: Facts): PanelStatus {
  const releases = ledger.slice(-RELEASES_SHOWN).reverse();
  return {
    writtenAt: now,
    releases: releases.map(({ what, tag, result, started, seconds, by }) => ({
      ...{ what, tag, result, started, seconds, by },
    })),
    certificate: certificate && {
      issuer: certificate.issuer,
      selfSigned: certificate.selfSigned,
      daysTotal: certificate.daysTotal,
      daysLeft: certificate.daysLeft,
    },
    disk,
    backup: findLastRun(backups, 'backup'),
    drill: findLastRun(backups, 'drill'),
  };
}

/** The last one, however it ended. */
function findLastRun(events: readonly BackupEvent[], kind: 'backup' | 'drill'): PanelRun | null {
  const last = events.findLast(({ what }) => what === kind);
  if (!last) return null;
  const { started, seconds, bytes, result } = last;
  const at = new Date(Date.parse(started) + seconds * 1000).toISOString();
  return { at, seconds, result, ...(bytes === undefined ? {} : { bytes }) };
}
