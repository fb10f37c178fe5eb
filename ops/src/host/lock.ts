import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { Failure } from '../report/failure.ts';
import { paths } from './paths.ts';

const HELD = 75;

/**
 * Runs an action under the one lock that every changing verb takes. The lock is a kernel lock held by a
 * child (flock + cat) whose standard input is our pipe: however we die, SIGKILL included, the pipe closes,
 * the child ends and the kernel lets go. Nothing is ever left to clean up.
 * @throws Failure naming the holder when another verb runs
 */
export async function withLock<T>(verb: string, action: () => Promise<T>): Promise<T> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const holder = execa(
    'flock',
    [
      '--nonblock',
      '--conflict-exit-code',
      String(HELD),
      paths.lock,
      'sh',
      '-c',
      'echo held; exec cat >/dev/null',
    ],
    { stdin: 'pipe', buffer: false, reject: false },
  );
  const acquired = await Promise.race([
    new Promise<boolean>((resolve) => holder.stdout.once('data', () => resolve(true))),
    holder.then(() => false),
  ]);
  if (!acquired) throw await describeConflict((await holder).exitCode);
  await writeFile(`${paths.lock}.holder`, `${verb} (pid ${process.pid}) since ${new Date().toISOString()}\n`);
  try {
    return await action();
  } finally {
    holder.stdin.end();
    await holder;
  }
}

async function describeConflict(exitCode: number | undefined): Promise<Failure> {
  if (exitCode !== HELD)
    return new Failure('the lock cannot be taken', {
      command: `flock ${paths.lock}`,
      next: 'check that flock (package util-linux) is installed and .atlas/ is writable',
    });
  const holder = await readFile(`${paths.lock}.holder`, 'utf8').catch(() => 'another command');
  return new Failure(`another command is changing this server: ${holder.trim()}`, {
    state: 'nothing was changed',
    next: 'wait for it to end, then run the same command again',
  });
}
