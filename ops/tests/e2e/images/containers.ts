// What the stack relies on in its base images. It must hold for the official images and for those of
// compose/images alike: an assertion that only one set can pass is a bug here or there.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { execa } from 'execa';
import { stack } from '../stack.ts';

export const labels = ['--label', 'atlas.test=images'];
export const prefix = `atlas-images-${process.pid}`;
export const noPrivileges = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only'];

export async function docker(...args: string[]) {
  return execa('docker', args, { reject: false, all: true, stdin: 'ignore' });
}

/** Standard output of a docker command that must succeed. */
export async function output(...args: string[]): Promise<string> {
  const result = await docker(...args);
  assert.equal(result.exitCode, 0, `docker ${args.join(' ')}\n${result.all}`);
  return result.stdout;
}

export async function once(image: string, ...command: string[]): Promise<string> {
  return output('run', '--rm', ...labels, image, ...command);
}

/** The image's command line with its entrypoint out of the way. */
export async function inside(image: string, script: string): Promise<string> {
  return output('run', '--rm', ...labels, '--entrypoint', 'sh', image, '-c', script);
}

export async function config(image: string) {
  return JSON.parse(await output('image', 'inspect', '--format', '{{json .Config}}', image));
}

/** Waits up to 15 s for a command inside the container to succeed; shows the container's log otherwise. */
export async function until(name: string, ...command: string[]): Promise<string> {
  for (let attempt = 0; attempt < 75; attempt++) {
    const result = await docker('exec', name, ...command);
    if (result.exitCode === 0) return result.stdout;
    await sleep(200);
  }
  throw new Error(`${name}: ${command.join(' ')} never succeeded\n${(await docker('logs', name)).all}`);
}

/** uid of the container's first process: who the service really runs as. */
export async function uidOfService(name: string): Promise<string> {
  return (await output('exec', name, 'sh', '-c', 'set -- $(grep ^Uid: /proc/1/status); echo $3')).trim();
}

export async function stop(name: string): Promise<{ exitCode: string; log: string }> {
  await output('stop', '--time', '15', name);
  const exitCode = await output('inspect', '--format', '{{.State.ExitCode}}', name);
  return { exitCode, log: (await docker('logs', name)).all };
}

/** True when `version` is `floor` or newer, number by number. */
export function atLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((text) => text.split('.').map(Number));
  for (const [index, number] of (want ?? []).entries()) {
    const difference = (have?.[index] ?? 0) - number;
    if (difference) return difference > 0;
  }
  return true;
}

export function assertVersion(text: string, floor: string, below = '999') {
  const version = /\d+(\.\d+)+/.exec(text)?.[0] ?? '0';
  assert.isTrue(atLeast(version, floor), `${version} is older than ${floor}`);
  assert.isFalse(atLeast(version, below), `${version} is not below ${below}`);
}

/** What the tests of one image share. */
export interface ImageScope {
  /** The image that deploy chose. */
  readonly image: string;
  /** A directory of the test's own that every container user can read. */
  readonly directory: string;
  file: (name: string, content: string | Buffer, mode: number) => Promise<string>;
}

/** A suite about the image that a variable of .env names; its containers and its volume are removed by name. */
export function describeImage(title: string, variable: string, body: (scope: ImageScope) => void): void {
  describe(`the base image of ${title}`, function () {
    this.timeout(60_000);
    const scope = { image: '', directory: '', file };

    async function file(name: string, content: string | Buffer, mode: number): Promise<string> {
      const path = join(scope.directory, name);
      await writeFile(path, content);
      await chmod(path, mode);
      return path;
    }

    before(async () => {
      scope.image = stack().settings()[variable] ?? '';
      scope.directory = await mkdtemp(join(tmpdir(), `${prefix}-`));
      await chmod(scope.directory, 0o755);
    });
    afterEach(async () => {
      const names = await output('ps', '--all', '--filter', `name=^${prefix}-`, '--format', '{{.Names}}');
      if (names) await output('rm', '--force', '--volumes', ...names.split('\n'));
    });
    after(async () => {
      if (!scope.directory) return;
      await docker('volume', 'rm', '--force', `${prefix}-data`);
      await rm(scope.directory, { recursive: true });
    });
    body(scope);
  });
}
