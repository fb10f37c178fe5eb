import { createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { attach } from '../host/exec.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';

/** Makes an API token; it is printed once, on stdout. */
export function createToken(name: string | undefined): Promise<ExitCode> {
  if (!name) throw missing('NAME', 'make token NAME=mobile-app');
  return inApi(['token', 'create', name]);
}

/** Makes an administrator of the panel; the password is printed once, on stdout. */
export function createAdmin(email: string | undefined, options: { reset?: boolean }): Promise<ExitCode> {
  if (!email) throw missing('EMAIL', 'make admin EMAIL=you@example.org');
  return inApi(['admin', 'create', email, ...(options.reset ? ['--reset'] : [])]);
}

/** Runs one of the image's own roles inside the api container, which has the settings and the database. */
async function inApi(role: string[]): Promise<ExitCode> {
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
