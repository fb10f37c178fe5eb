import type { Outcome, Stack } from './create-stack.ts';

/** Runs a program of postgres' image, as its user, with the volume of a stack's cluster under /v. */
export function inClusterVolume(stack: Stack, program: string, ...args: string[]): Promise<Outcome> {
  const { POSTGRES_IMAGE = '' } = stack.settings();
  const volume = ['--user', '999:999', '--volume', `${stack.project}_postgres:/v`];
  return stack.sh('docker', 'run', '--rm', ...volume, '--entrypoint', program, POSTGRES_IMAGE, ...args);
}

/** Kills postgres, does something to its cluster, and lets the engine start it again. */
export async function damageCluster(stack: Stack, program: string, ...args: string[]): Promise<void> {
  const postgres = `${stack.project}-postgres-1`;
  await stack.sh('docker', 'kill', '--signal', 'KILL', postgres);
  await inClusterVolume(stack, program, ...args);
  await stack.sh('docker', 'start', postgres);
}

/** The disk is gone: postgres is killed and its data directory deleted. */
export const destroyCluster = (stack: Stack) => damageCluster(stack, 'rm', '-rf', '/v/cluster');
