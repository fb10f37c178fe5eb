/** One line of the ledger. */
export interface LedgerEntry {
  what: 'deploy' | 'rollback';
  tag: string;
  /** done; undone: the release before serves; failed: nothing or something in between; interrupted: killed. */
  result: 'done' | 'failed' | 'undone' | 'interrupted';
  imageId?: string;
  /** ISO 8601, UTC. */
  started: string;
  seconds: number;
  by: string;
  why?: string;
}

/**
 * The releases that were good, as a rollback walks them: a deploy goes on top, a rollback takes down to its
 * release what was above. Without that, two rollbacks in a row would end at the release one fled from.
 */
function stackOf(ledger: readonly LedgerEntry[]): string[] {
  const stack: string[] = [];
  for (const { what, tag, result } of ledger) {
    if (result !== 'done' || stack.at(-1) === tag) continue;
    const below = stack.lastIndexOf(tag);
    if (what === 'rollback' && below >= 0) stack.length = below + 1;
    else stack.push(tag);
  }
  return stack;
}

/**
 * Where a rollback without TAG goes: the good release below the current one.
 * @param current what .env names  @param interrupted the release of a deploy that was killed: it goes back to
 * the one that .env still names
 */
export function findPreviousRelease(
  ledger: readonly LedgerEntry[],
  current: string | null,
  interrupted: string | null = null,
): string | null {
  if (current && interrupted && interrupted !== current) return current;
  const stack = stackOf(ledger);
  const at = current ? stack.lastIndexOf(current) : stack.length;
  // A current release that the ledger does not know: its newest good one is the one before.
  return (at < 0 ? stack.at(-1) : stack[at - 1]) ?? null;
}

/** Rows for `make releases`, newest first. */
export function listReleases(ledger: readonly LedgerEntry[], current: string | null): string[][] {
  const latest = ledger.findLastIndex(({ result, tag }) => result === 'done' && tag === current);
  return ledger
    .map(({ what, tag, result, started, seconds, by, why }, index) => [
      tag,
      started.slice(0, 19).replace('T', ' '),
      what,
      by,
      `${seconds.toFixed(1)} s`,
      why && result !== 'done' ? `${result}: ${why}` : result,
      index === latest ? 'current' : '',
    ])
    .reverse();
}

/**
 * Tags that may go: once deployed here, and not among the last `keep` that were tried nor the last `keep`
 * that were good. A tag that was never deployed is somebody's work in progress and stays.
 * @param local tags on this engine  @param inUse releases that must stay whatever their age
 */
export function findPrunable(
  ledger: readonly LedgerEntry[],
  local: readonly string[],
  inUse: readonly string[],
  keep: number,
): string[] {
  const newest = (entries: readonly LedgerEntry[]) =>
    [...new Set(entries.map(({ tag }) => tag).reverse())].slice(0, keep);
  const kept = new Set([
    ...inUse,
    ...newest(ledger),
    ...newest(ledger.filter(({ result }) => result === 'done')),
  ]);
  const tried = new Set(ledger.map(({ tag }) => tag));
  return local.filter((tag) => tried.has(tag) && !kept.has(tag));
}
