import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

/** A container engine with no images, beside the machine's own. */
export interface EmptyEngine {
  host: string;
  stop: () => Promise<void>;
}

/**
 * Starts it with its own data and sockets, in the network namespace of this process (see ops/bench.sh).
 * @throws Error with its log's path when it does not answer
 */
export async function startEmptyEngine(): Promise<EmptyEngine> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-bench-engine-'));
  const host = `unix://${directory}/docker.sock`;
  const log = openSync(path.join(directory, 'dockerd.log'), 'a');
  const engine = spawn(
    'dockerd',
    [
      `--data-root=${directory}/data`,
      `--exec-root=${directory}/exec`,
      `--pidfile=${directory}/docker.pid`,
      `--host=${host}`,
    ],
    { stdio: ['ignore', log, log] },
  );
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await execa('docker', ['version'], { reject: false, env: { DOCKER_HOST: host } });
    if (answer.exitCode === 0) break;
    if (Date.now() > deadline || engine.exitCode !== null)
      throw new Error(`the second engine does not answer; see ${directory}/dockerd.log`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { host, stop: () => stopEngine(engine, directory) };
}

async function stopEngine(engine: ChildProcess, directory: string): Promise<void> {
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  engine.kill('SIGTERM');
  await ended;
  rmSync(directory, { recursive: true, force: true });
}
