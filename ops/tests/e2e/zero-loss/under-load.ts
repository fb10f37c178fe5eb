import { expect } from 'chai';
import { askOurselves } from '../../../src/host/http.ts';
import { type Load, type LoadOptions, type LoadResult, startLoad } from '../load/load.ts';
import { stack } from '../stack.ts';

/** Longer than the longest idle gap of a client: each meets what came before. */
const GAP_SECONDS = 11;

let token = '';

async function loadToken(): Promise<string> {
  if (!token) {
    const made = await stack().make('token', { NAME: 'load' });
    expect(made.exitCode, made.stderr).to.equal(0);
    token = made.stdout.trim().split('\n').at(-1) ?? '';
  }
  return token;
}

/** Runs an action while many clients use the stack, and goes on until each has come back once more. */
export async function underLoad(
  action: (load: Load) => Promise<void>,
  options: Partial<LoadOptions> = {},
): Promise<LoadResult> {
  const load = await startLoad({
    ...{ httpsPort: stack().httpsPort, token: await loadToken(), maxSeconds: 1200 },
    ...options,
  });
  try {
    await action(load);
    await new Promise((resolve) => setTimeout(resolve, GAP_SECONDS * 1000));
  } finally {
    await load.stop();
  }
  return load.result;
}

/** The number that must be zero. */
export function expectNoLoss(result: LoadResult): void {
  const { failures, requests, http2Requests, http2Retries, uploads, downloads } = result;
  console.log(
    `      ${requests} requests over HTTP/1.1, ${http2Requests} over HTTP/2 (${http2Retries} sent again after a GOAWAY), ` +
      `${uploads} slow uploads, ${downloads} slow downloads, ${failures.length} failed`,
  );
  expect(failures).to.deep.equal([]);
}

export const servedRelease = async () =>
  // Over a fresh connection: one that is kept stays with its nginx worker, and so with the release before, for a while.
  (await askOurselves({ port: stack().httpsPort, name: 'localhost' }, '/livez'))?.release;

/** Names of the containers of some services, running or not. */
export async function containerNames(...services: string[]): Promise<string[]> {
  const { project, sh } = stack();
  const filters = services.flatMap((service) => ['--filter', `name=^${project}-${service}-`]);
  const { stdout } = await sh('docker', 'ps', '--all', ...filters, '--format', '{{.Names}}');
  return stdout.split('\n').filter(Boolean).sort();
}

/** `make VERB`, which must succeed. */
export async function mustMake(verb: string, variables: Record<string, string> = {}) {
  const outcome = await stack().make(verb, variables);
  expect(outcome.exitCode, `${outcome.stdout}\n${outcome.stderr}`).to.equal(0);
  return outcome;
}
