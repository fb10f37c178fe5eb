import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after the time, or as soon as `wake` is aborted. */
export async function pause(milliseconds: number, wake?: AbortSignal): Promise<void> {
  await delay(Math.max(milliseconds, 0), undefined, { signal: wake }).catch(() => {});
}

/** Nine of ten gaps between requests are under 200 ms, the tenth is anything up to the longest. */
export function drawGap(longestMilliseconds: number): number {
  const longest = Math.random() < 0.9 ? Math.min(200, longestMilliseconds) : longestMilliseconds;
  return Math.random() * longest;
}
