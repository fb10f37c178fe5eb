/** A page that nobody has touched for this long is left alone, or an open tab would keep its session for ever. */
const ATTENDED_MS = 15 * 60_000;
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'scroll'];

/**
 * Calls `load` with a signal at once and every `everyMs`, while somebody looks at the page; the signal aborts
 * when the page is left.
 */
export function useRefresh(load, everyMs) {
  React.useEffect(() => {
    const shown = new AbortController();
    const { signal } = shown;
    let attendedAt = Date.now();
    const attend = () => {
      attendedAt = Date.now();
    };
    for (const sign of SIGNS) addEventListener(sign, attend, { signal, passive: true, capture: true });
    const isAttended = () => !document.hidden && Date.now() - attendedAt < ATTENDED_MS;
    const timer = setInterval(() => isAttended() && load(signal), everyMs);
    load(signal);
    return () => {
      clearInterval(timer);
      shown.abort();
    };
  }, [load, everyMs]);
}
