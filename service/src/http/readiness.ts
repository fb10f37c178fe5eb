/** One thing that must work before a process can do its job. */
export type Check = () => Promise<unknown>;

/** The answer of /readyz. */
export interface Readiness {
  ready: boolean;
  status: 'ready' | 'draining' | 'failing';
  release: string;
  checks: Record<string, { ok: boolean; ms: number; error?: string }>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Runs all checks at once, each bounded, and says which ones fail. A draining process is never ready. */
export async function assessReadiness(
  release: string,
  checks: Record<string, Check>,
  draining: boolean,
): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await run(check)] as const),
  );
  const ok = results.every(([, result]) => result.ok);
  const status = draining ? 'draining' : ok ? 'ready' : 'failing';
  return { ready: status === 'ready', status, release, checks: Object.fromEntries(results) };
}

async function run(check: Check): Promise<Readiness['checks'][string]> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { ok: true, ms: elapsed() };
  } catch (error) {
    // Only the kind of failure: a driver's message may name hosts and users, and this page is public.
    const { code, message } = error as { code?: string; message?: string };
    return {
      ok: false,
      ms: elapsed(),
      error: code ?? (message?.startsWith('no answer') ? message : 'failed'),
    };
  } finally {
    clearTimeout(timer);
  }
}
