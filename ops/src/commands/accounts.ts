import { createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { attach } from '../host/exec.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';

/** Makes an API token; it is printed once, on stdout. Scope and days are checked by the service, which knows them. */
export function createToken(
  name: string | undefined,
  { scope, days }: { scope?: string; days?: string },
): Promise<ExitCode> {
  if (!name) throw missing('NAME', 'make token NAME=mobile-app');
  const options = [...(scope ? ['--scope', scope] : []), ...(days ? ['--days', days] : [])];
  return inApi(['token', 'create', name, ...options]);
}

/** Lists every API token, newest first: state, scope, when it was used and when it expires. */
export function listTokens(options: { json?: boolean }): Promise<ExitCode> {
  return inApi(['token', 'list', ...(options.json ? ['--json'] : [])]);
}

/** Revokes an API token, by its id or by a name that only one has. */
export function revokeToken(id: string | undefined): Promise<ExitCode> {
  if (!id) throw missing('ID', 'make token-revoke ID=3   (make tokens lists them)');
  return inApi(['token', 'revoke', id]);
}

/** Makes an administrator of the panel; the password is printed once, on stdout. */
export function createAdmin(email: string | undefined, options: { reset?: boolean }): Promise<ExitCode> {
  if (!email) throw missing('EMAIL', 'make admin EMAIL=you@example.org');
  return inApi(['admin', 'create', email, ...(options.reset ? ['--reset'] : [])]);
}

/** Runs one of the image's own roles inside the api container, which has the settings and the database. */
export async function inApi(role: string[]): Promise<ExitCode> {
  const compose = createCompose(await loadSettings());
  const code = await attach(
    'docker',
    compose.args('exec', '-T', 'api', 'node', '/app/dist/main.js', ...role),
    compose.env,
  );
  return code === 0 || code === EXIT.usage ? code : EXIT.failed;
}

function missing(variable: string, example: string): Failure {
  return new Failure(`${variable} is missing`, { next: example, exitCode: EXIT.usage });
}
