import { execa } from 'execa';
import type { Stack } from '../create-stack.ts';

/**
 * Runs a Node script in a container of its own on nginx's network. Unlike requests from this machine, which
 * nginx sees coming from the engine, it has an address that is counted.
 * @param script CommonJS; nginx is `nginx`  @returns what the script printed, parsed as JSON
 */
export async function runOutside<T>(own: Stack, script: string): Promise<T> {
  const { IMAGE_NAME, IMAGE_TAG } = own.settings();
  const options = [
    'run',
    '--rm',
    '--interactive',
    '--network',
    `${own.project}_web`,
    '--label',
    'atlas.test=client',
  ];
  const { stdout } = await execa(
    'docker',
    [...options, '--entrypoint', 'node', `${IMAGE_NAME}:${IMAGE_TAG}`, '--input-type=commonjs', '-'],
    { input: script },
  );
  return JSON.parse(stdout) as T;
}
