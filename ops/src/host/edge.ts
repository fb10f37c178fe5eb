import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
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
import type { Compose } from './compose.ts';
import { execIn, lastLogLines, listProcesses } from './containers.ts';
import { lastLines } from './exec.ts';
import { exists } from './files.ts';
import { askPlainly } from './http.ts';
import { checkCommand, LIVE_CONFIG, writeReadable } from './nginx-config.ts';
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
  await writeReadable(paths.upstream, renderUpstream(servers));
}

/** Whether nginx is told to send everybody away but health checks and the panel. */
export async function isInMaintenance(): Promise<boolean> {
  return exists(paths.maintenance);
}

/** Writes that, or takes it away; nginx reads it at its next reload or start. */
export async function writeMaintenance(isOn: boolean): Promise<void> {
  if (isOn) await writeReadable(paths.maintenance, 'if ($under_maintenance) { return 598; }\n');
  else await rm(paths.maintenance, { force: true });
}

/** This project's nginx. */
export interface Edge {
  container: string;
  /** Where the engine publishes its plain port on this machine. */
  httpPort: number;
}

/** Tests a configuration in the nginx that runs. @throws Failure with the line it does not like */
export async function testNginx({ container }: Edge, name: string): Promise<void> {
  const command = checkCommand(name);
  const { exitCode, output } = await execIn(container, command);
  if (exitCode !== 0) throw refusal(`docker exec ${container} ${command.join(' ')}`, output);
}

/** The same in a new container, for an nginx that is about to be replaced. @throws Failure */
export async function testNginxAnew(compose: Compose, name: string): Promise<void> {
  const outcome = await compose.attempt('run', '--rm', '--no-deps', '-T', 'nginx', ...checkCommand(name));
  if (outcome.exitCode !== 0) throw refusal(outcome.command, outcome.stderr);
}

function refusal(command: string, output: string): Failure {
  return new Failure('nginx does not accept its configuration', {
    command,
    log: lastLines(output),
    state: 'nginx goes on with the last one it accepted, also when it is started anew',
    next: 'correct the file that the message names under nginx/, then run the same command again',
  });
}

/**
 * Tests the configuration, reloads nginx and waits until fresh connections meet the new one.
 * @returns the workers from before, by pid: they may go on sending requests where the old list points
 * @throws Failure; after a failed test nginx goes on with the configuration it has
 */
export async function reloadNginx(edge: Edge): Promise<number[]> {
  const generation = randomBytes(8).toString('hex'); // the world can ask for it: it tells nothing
  await writeReadable(paths.generation, renderGeneration(generation));
  const before = findWorkers(await listProcesses(edge.container)).all;
  // A reload signal "succeeds" on a bad configuration: it is tested first. And not the engine's own kill with
  // HUP: it marks the container as stopped by hand, whatever the signal, and after a reboot nginx would stay
  // down (engine-restart.test.ts caught it).
  const nginx = `nginx -c ${LIVE_CONFIG}`;
  const { exitCode, output } = await execIn(edge.container, [
    'sh',
    '-c',
    `${nginx} -t && exec ${nginx} -s reload`,
  ]);
  if (exitCode !== 0) throw refusal(`docker exec ${edge.container} ${nginx} -t`, output);
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
