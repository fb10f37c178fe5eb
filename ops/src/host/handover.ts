import path from 'node:path';
import { execa } from 'execa';
import type { ExitCode } from '../report/failure.ts';
import { ignoreInterrupts } from './interrupt.ts';
import { HANDED_OVER } from './lock.ts';
import { inheritedDescriptors } from './lock-descriptor.ts';
import { paths } from './paths.ts';

/**
 * Runs a verb of this checkout's own ops/atlas, which may be another one than ours by now, under the lock that we hold.
 * Whoever asks us to stop asks that one: it undoes itself.
 * @returns its exit code; null when it was killed
 */
export async function runUnderLock(words: readonly string[], input: string): Promise<ExitCode | null> {
  ignoreInterrupts();
  // Before there is a child: whoever asked us to stop in between would end us alone. It is called once there is one.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const child = execa(path.join(paths.root, 'ops/atlas'), words, {
    reject: false,
    env: { [HANDED_OVER]: '1' },
    stdio: [input ? 'pipe' : 'inherit', 'inherit', 'inherit', ...inheritedDescriptors()],
    ...(input ? { input } : {}),
  });
  return ((await child).exitCode as ExitCode | undefined) ?? null;
}
