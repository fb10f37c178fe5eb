import type { Condition } from './alerts.ts';
import { LAG_SECONDS, type OffsiteStatus } from './offsite.ts';

/** How far behind the bucket is, in seconds; null when nobody knows. */
export function lagOf(status: OffsiteStatus | null, now: string): number | null {
  if (!status?.shippedUntil) return null;
  return Math.max(0, Math.round((Date.parse(now) - Date.parse(status.shippedUntil)) / 1000));
}

/**
 * Whether the bucket for backups has what was committed.
 * @param isOn whether .env names one  @param now ISO 8601, UTC
 */
export function judgeOffsite(isOn: boolean, status: OffsiteStatus | null, now: string): Condition {
  const same = {
    key: 'offsite',
    name: 'offsite',
    graceSeconds: 0,
    next: 'make offsite; make cron shows how it ended last',
  };
  if (!isOn) return { ...same, state: 'well', title: 'off: backups are on this server alone' };
  const lag = lagOf(status, now);
  const because = status?.error ? `: ${status.error}` : '';
  if (lag === null)
    return {
      ...same,
      state: 'unknown',
      title: `nothing was sent yet${because}`,
      isExplained: !status?.error,
    };
  const title = `the bucket has what was committed until ${lag} s ago${because}`;
  return { ...same, state: lag > LAG_SECONDS ? 'wrong' : 'well', title };
}
