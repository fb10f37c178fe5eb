import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { formatRegistryAuth, parseRegistryLogin, type RegistryLogin } from '../plan/registry-login.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { callEngine } from './engine.ts';
import type { Outcome } from './exec.ts';

const PULL_SECONDS = 900;

/**
 * The registry's login from standard input: its first line, "USER TOKEN"; null when that is empty.
 * @throws Failure (exit 2) for any other line, which is not repeated
 */
export async function readRegistryLogin(input: Readable = process.stdin): Promise<RegistryLogin | null> {
  const lines = createInterface({ input });
  let first = '';
  for await (const line of lines) {
    first = line;
    break;
  }
  input.destroy();
  const login = parseRegistryLogin(first);
  if (login !== undefined) return login;
  throw new Failure('standard input does not hold a registry login: one line, "USER TOKEN"', {
    state: 'nothing was changed',
    next: 'an empty line, or /dev/null, for a registry that needs no login',
    exitCode: EXIT.usage,
  });
}

/**
 * Pulls an image with a login that exists in this process alone: `docker login` would write it to a file, which
 * whatever kills us would leave behind. https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate
 * @returns the outcome as `docker pull` would have it
 */
export async function pullWithLogin(reference: string, login: RegistryLogin): Promise<Outcome> {
  const command = `docker pull ${reference}`;
  const colon = reference.lastIndexOf(':');
  const query = new URLSearchParams({
    fromImage: reference.slice(0, colon),
    tag: reference.slice(colon + 1),
  });
  const error = await callEngine('POST', `/images/create?${query}`, undefined, {
    headers: { 'x-registry-auth': formatRegistryAuth(login, reference) },
    signal: AbortSignal.timeout(PULL_SECONDS * 1000),
  }).then(findPullError, describeError);
  return { exitCode: error === null ? 0 : 1, stdout: '', stderr: error ?? '', command };
}

/** The engine has said 200 before it begins: how the pull ended is in the last of its lines of JSON. */
function findPullError(bytes: Buffer): string | null {
  for (const line of bytes.toString('utf8').trim().split('\n').reverse()) {
    const { error } = JSON.parse(line || '{}') as { error?: string };
    if (error) return error;
  }
  return null;
}

function describeError(error: Error): string {
  return /Timeout|Abort/.test(error.name) ? `given up after ${PULL_SECONDS} s` : error.message;
}
