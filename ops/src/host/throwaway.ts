import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DATABASE, GLOBALS_FILE, type Manifest } from '../plan/backups.ts';
import { Failure } from '../report/failure.ts';
import { lastLogLines } from './containers.ts';
import { attempt, run } from './exec.ts';
import { ISOLATED_SERVER, VOLUME_ROOT } from './isolated.ts';
import { psql } from './postgres.ts';

const START_SECONDS = 120;

/** A postgres that nobody reaches and that is gone afterwards. */
export interface Throwaway {
  container: string;
  remove: () => Promise<void>;
}

/**
 * Starts a postgres of the image that a backup was taken with, on a new volume and without any network.
 * @param name of the container and its volume: what a killed drill left under it is removed first
 * @param fallback image for when that one is not here any more
 * @throws Failure with its last log lines when it does not come up; nothing is left
 */
export async function startThrowaway(
  name: string,
  { postgres }: Manifest,
  fallback: string,
): Promise<Throwaway> {
  const remove = () => removeThrowaway(name);
  await remove();
  const has = (image: string) => attempt('docker', ['image', 'inspect', image]);
  const image =
    postgres.imageId && (await has(postgres.imageId)).exitCode === 0 ? postgres.imageId : fallback;
  await run(
    'docker',
    [
      ...['run', '--detach', '--name', name, ...ISOLATED_SERVER, '--memory', '768m'],
      ...['--volume', `${name}:${VOLUME_ROOT}`, '--env', 'POSTGRES_PASSWORD'],
      ...['--env', 'POSTGRES_INITDB_ARGS=--data-checksums --encoding=UTF8', image],
    ],
    { env: { POSTGRES_PASSWORD: randomBytes(32).toString('hex') } },
  );
  try {
    await waitUntilReady(name);
  } catch (error) {
    await remove();
    throw error;
  }
  return { container: name, remove };
}

/** Removes a container and the volume of its name, as far as they are there. */
export async function removeThrowaway(name: string): Promise<void> {
  await attempt('docker', ['rm', '--force', name]);
  await attempt('docker', ['volume', 'rm', '--force', name]);
}

/** Waits until a postgres takes connections. @throws Failure with its last log lines when its container ends */
export async function waitUntilReady(name: string): Promise<void> {
  const deadline = Date.now() + START_SECONDS * 1000;
  // Over TCP: during its first start the image runs a private server on the socket only.
  const ready = ['exec', name, 'pg_isready', '-q', '-h', '127.0.0.1'];
  while ((await attempt('docker', ready)).exitCode !== 0) {
    const state = await attempt('docker', ['inspect', '--format', '{{.State.Running}}', name]);
    if (state.stdout.trim() !== 'true' || Date.now() > deadline)
      throw new Failure('the throwaway postgres does not come up', {
        command: `docker logs ${name}`,
        log: await lastLogLines(name),
      });
    await delay(100);
  }
}

/** The roles and the empty database that a dump is restored into. @throws Failure */
export async function prepareThrowaway(container: string, directory: string): Promise<void> {
  const globals = await readFile(path.join(directory, GLOBALS_FILE), 'utf8');
  // The superuser is there already, and so says its line.
  await psql(container, 'postgres', `\\set ON_ERROR_STOP 0\n${globals}\n\\set ON_ERROR_STOP 1\nselect 1;\n`);
  await psql(container, 'postgres', `create database ${DATABASE} template template0;`);
}
