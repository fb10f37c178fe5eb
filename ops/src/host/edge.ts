import { chmod, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  findOldWorkers,
  findWorkers,
  parseUpstream,
  renderGeneration,
  renderUpstream,
  type Server,
} from '../plan/switch.ts';
import { Failure } from '../report/failure.ts';
import { execIn, lastLogLines, listProcesses } from './containers.ts';
import { lastLines } from './exec.ts';
import { writeAtomically } from './files.ts';
import { askPlainly } from './http.ts';
import { paths } from './paths.ts';

const SWITCH_SECONDS = 15;
/** Fresh connections in a row that must meet the new list: old and new workers accept side by side for 100 ms. */
const PROOFS = 10;

/** The names of the containers that nginx sends requests to. */
export async function readUpstream(): Promise<string[]> {
  return parseUpstream(await readFile(paths.upstream, 'utf8').catch(() => ''));
}

/** Writes the list; nginx reads it at its next reload or start. */
export async function writeUpstream(servers: readonly Server[]): Promise<void> {
  await writeForNginx(paths.upstream, renderUpstream(servers));
}

async function writeForNginx(file: string, text: string): Promise<void> {
  const directory = path.dirname(file);
  await mkdir(directory, { recursive: true });
  // Whatever the umask: nginx reads it as uid 101.
  await chmod(directory, 0o755);
  await writeAtomically(file, text, 0o644);
  await chmod(file, 0o644);
}

/** This project's nginx. */
export interface Edge {
  container: string;
  /** Where the engine publishes its plain port on this machine. */
  httpPort: number;
}

/** Tests what nginx would read now, in the nginx that runs. @throws Failure with the line it does not like */
export async function testNginx({ container }: Edge): Promise<void> {
  const { exitCode, output } = await execIn(container, ['nginx', '-t']);
  if (exitCode === 0) return;
  throw new Failure('nginx does not accept its configuration', {
    command: `docker exec ${container} nginx -t`,
    log: lastLines(output),
    state: 'nginx goes on with the configuration it has; do not restart it before this is mended',
    next: 'correct the file that the message names, then run the same command again',
  });
}

/**
 * Tests the configuration, reloads nginx and waits until fresh connections meet the new one.
 * @returns the workers from before, by pid: they may go on sending requests where the old list points
 * @throws Failure; after a failed test nginx goes on with the configuration it has
 */
export async function reloadNginx(edge: Edge): Promise<number[]> {
  const generation = Date.now().toString(36);
  await writeForNginx(paths.generation, renderGeneration(generation));
  // A reload signal "succeeds" on a bad configuration: test it first.
  await testNginx(edge);
  const before = findWorkers(await listProcesses(edge.container)).all;
  // Not the engine's own kill with HUP: it marks the container as stopped by hand, whatever the signal, and
  // after a reboot nginx would stay down (engine-restart.test.ts caught it).
  await execIn(edge.container, ['nginx', '-s', 'reload']);
  const deadline = Date.now() + SWITCH_SECONDS * 1000;
  for (let proofs = 0; proofs < PROOFS; ) {
    proofs = (await servedGeneration(edge)) === generation ? proofs + 1 : 0;
    if (Date.now() > deadline)
      throw new Failure('nginx did not take the new configuration', {
        command: 'nginx -s reload',
        log: await lastLogLines(edge.container),
        next: 'make logs SERVICE=nginx',
      });
    await delay(5);
  }
  return before;
}

/** What a fresh connection meets; null when it meets nothing. */
async function servedGeneration({ httpPort }: Edge): Promise<string | null> {
  const answer = await askPlainly('127.0.0.1', httpPort, '/-/generation');
  return answer?.status === 200 ? answer.body : null;
}

/**
 * Workers that may still send requests to what an earlier list named.
 * @param before what the reload returned
 */
export async function countOldWorkers({ container }: Edge, before: readonly number[]): Promise<number> {
  return findOldWorkers(await listProcesses(container), before).length;
}
