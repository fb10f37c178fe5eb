import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { parse } from 'dotenv';
import { execa } from 'execa';
import { replaceValues } from '../../src/config/template.ts';
import { CLONE_PREFIX, disown, own, removeProject } from './leftovers.ts';

const checkout = path.resolve(import.meta.dirname, '../../..');

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A whole Sevra Atlas in a clean clone, under its own project name and ports. */
export interface Stack {
  directory: string;
  project: string;
  httpPort: number;
  httpsPort: number;
  /** `make VERB VARIABLE=value …` in the clone; never throws. */
  make: (
    verb: string,
    variables?: Record<string, string>,
    environment?: Record<string, string>,
  ) => Promise<Outcome>;
  /** Any command in the clone, without the test run's own settings in its environment. */
  sh: (file: string, ...args: string[]) => Promise<Outcome>;
  settings: () => Record<string, string>;
  /** Changes values in .env, as an operator would. */
  set: (values: Record<string, string>) => void;
}

/** A port nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** A clone of this checkout as it is: what is committed, and what is not yet. */
export async function cloneCheckout(): Promise<string> {
  const directory = mkdtempSync(CLONE_PREFIX);
  await execa('git', ['clone', '--quiet', '--no-hardlinks', checkout, directory]);
  own(directory);
  const { stdout } = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: checkout,
  });
  for (const file of stdout.split('\0').filter(Boolean)) {
    const source = path.join(checkout, file);
    if (existsSync(source)) cpSync(source, path.join(directory, file));
    else rmSync(path.join(directory, file), { force: true });
  }
  return directory;
}

/**
 * Makes the clone; nothing runs yet.
 * @param name begins the project's name  @param environment for every command, DOCKER_HOST for example
 */
export async function createStack(name: string, environment: Record<string, string> = {}): Promise<Stack> {
  const directory = await cloneCheckout();
  const project = `${name}-${randomBytes(3).toString('hex')}`;
  const httpPort = await freePort();
  const httpsPort = await freePort();
  // Only the first deploy gets these; it writes them to .env, and every later verb finds them there.
  const first = {
    COMPOSE_PROJECT_NAME: project,
    IMAGE_NAME: project,
    HTTP_PORT: String(httpPort),
    HTTPS_PORT: String(httpsPort),
    // Jobs of the machine's cron in the middle of a test would change what it looks at; cron.test.ts turns them on.
    CRON: 'off',
  };
  const invoke = async (file: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> => {
    const result = await execa(file, args, {
      cwd: directory,
      reject: false,
      stdin: 'ignore',
      env: { ...environment, ...env },
    });
    return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
  };
  const envFile = path.join(directory, '.env');
  const settings = () => parse(readFileSync(envFile));
  return {
    directory,
    project,
    httpPort,
    httpsPort,
    settings,
    set: (values) => writeFileSync(envFile, replaceValues(readFileSync(envFile, 'utf8'), values)),
    make: (verb, variables = {}, extra = {}) => {
      const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
      const isFirst = !existsSync(envFile);
      return invoke('make', ['--no-print-directory', verb, ...assignments], {
        ...(isFirst ? first : {}),
        ...extra,
      });
    },
    sh: (file, ...args) => invoke(file, args),
  };
}

/** Removes what the stack created, by its own names only. */
export async function removeStack({ project, directory, sh }: Stack): Promise<void> {
  if (process.env.TEST_KEEP_STACK) {
    disown(directory);
    console.log(`      kept: ${directory} (${project})`);
    return;
  }
  await removeProject(project, (...args) => sh('docker', ...args));
  rmSync(directory, { recursive: true, force: true });
}
