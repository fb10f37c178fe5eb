import type { Call, Outcome } from './call.ts';

export type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** A request that was lost, answered with another status, or answered in part. */
export interface Failure {
  /** When it was known to have failed, in ms since the epoch. */
  at: number;
  protocol: Protocol;
  method: string;
  path: string;
  message: string;
}

/** Every counter counts what has come to an end, well or not; `failures` has one entry for each that did not. */
export interface LoadResult {
  /** HTTP/1.1, without slow uploads and downloads. */
  requests: number;
  /** Those of `requests` that were POST. */
  posts: number;
  http2Requests: number;
  /** Streams sent again because the server said that it never looked at them; not failures. */
  http2Retries: number;
  uploads: number;
  downloads: number;
  failures: Failure[];
  /** The values of X-Release in the order in which each was seen first (ms since the epoch). */
  releases: { release: string; firstSeenAt: number }[];
  /** Of `requests`: when each began (ms since the epoch) and how long it took, failed ones too. */
  samples: { at: number; milliseconds: number; release: string | undefined }[];
}

export function emptyResult(): LoadResult {
  const counters = { requests: 0, posts: 0, http2Requests: 0, http2Retries: 0, uploads: 0, downloads: 0 };
  return { ...counters, failures: [], releases: [], samples: [] };
}

/** Writes down what every kind of request has in common: its failure, and the release that answered. */
export function record(result: LoadResult, protocol: Protocol, call: Call, outcome: Outcome): void {
  const { release, failure } = outcome;
  if (release && !result.releases.some((seen) => seen.release === release))
    result.releases.push({ release, firstSeenAt: Date.now() });
  if (!failure) return;
  const { method, path } = call;
  const message = `${failure}, after ${Math.round(outcome.milliseconds)} ms`;
  result.failures.push({ at: Date.now(), protocol, method, path, message });
}

/**
 * The smallest of the values that at least p percent of them do not exceed (nearest rank); NaN of none.
 * @param p above 0, at most 100
 */
export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil((p / 100) * sorted.length) - 1, 0)] ?? Number.NaN;
}

export const median = (values: number[]) => percentile(values, 50);
