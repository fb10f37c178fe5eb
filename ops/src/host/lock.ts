import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { execa } from 'execa';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { formatAge } from '../report/table.ts';
import { writeAtomically } from './files.ts';
import { holdDescriptor, passDescriptor } from './lock-descriptor.ts';
import { paths } from './paths.ts';

const HELD = 75;
/** How long the last command of a killed verb may go on before somebody must look. */
const ORPHAN_SECONDS = 120;

/** Says, in the environment, that the process which started us holds the lock and has passed its descriptor on. */
export const HANDED_OVER = 'ATLAS_LOCK_HANDED_OVER';
/** The first one after the three streams: see inheritedDescriptors. */
const HANDED_DESCRIPTOR = 3;
const wasHandedOver = process.env[HANDED_OVER] === '1';
delete process.env[HANDED_OVER]; // for us alone, not for the hooks and verbs that we start

/** Who holds the lock. */
export interface Holder {
  verb: string;
  pid: number;
  by: string;
  /** ISO 8601, UTC. */
  since: string;
}

/**
 * Runs an action under the one lock that every changing verb takes. It is a kernel lock on a descriptor of
 * this process, which every command that we start inherits: however we die, SIGKILL included, the kernel
 * lets go, but not before the last `docker` command that we left behind has ended too.
 * @param waitSeconds how long to wait for another holder; 0 asks once
 * @throws Failure naming the holder when another verb runs
 */
export async function withLock<T>(verb: string, waitSeconds: number, action: () => Promise<T>): Promise<T> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const descriptor = isHandedOver() ? HANDED_DESCRIPTOR : openSync(paths.lock, 'a', 0o600);
  try {
    await take(descriptor, waitSeconds);
    await writeHolder(verb);
    holdDescriptor(descriptor);
    return await action();
  } finally {
    holdDescriptor(null);
    closeSync(descriptor);
  }
}

/**
 * Whether the verb that started us lets us work under its lock. The kernel sees one open file, so taking the lock again
 * succeeds at once, and giving it back is for whoever closes it last.
 */
export function isHandedOver(): boolean {
  if (!wasHandedOver) return false;
  try {
    return fstatSync(HANDED_DESCRIPTOR).ino === statSync(paths.lock).ino;
  } catch {
    return false;
  }
}

async function take(descriptor: number, waitSeconds: number): Promise<void> {
  if (await tryLock(descriptor, 0)) return;
  const holder = await readHolder();
  if (waitSeconds > 0 && holder) note(`waiting up to ${waitSeconds} s for ${describe(holder)}`);
  if (waitSeconds > 0 && (await tryLock(descriptor, waitSeconds))) return;
  const last = await readHolder();
  if (last && !isAlive(last.pid)) {
    note(`${describe(last)} was killed; waiting for the last command it started`);
    if (await tryLock(descriptor, ORPHAN_SECONDS)) return;
  }
  throw new Failure(
    `another command is changing this server: ${last ? describe(last) : 'it has just begun'}`,
    {
      state: 'nothing was changed by this one',
      next: 'wait for it to end, or run the same command with WAIT=seconds',
    },
  );
}

/**
 * Takes a kernel lock on an open file, which closing the descriptor gives back. flock(1) locks the open file that it
 * shares with us: the lock stays when it has ended.
 * @param seconds how long to wait for another holder  @returns whether it is ours
 */
export async function tryLock(descriptor: number, seconds: number): Promise<boolean> {
  const result = await execa(
    'flock',
    ['--wait', String(seconds), '--conflict-exit-code', String(HELD), '3'],
    { reject: false, stdio: ['ignore', 'ignore', 'pipe', passDescriptor(descriptor)] },
  );
  if (result.exitCode === 0) return true;
  if (result.exitCode === HELD) return false;
  throw new Failure('the lock cannot be taken', {
    command: `flock ${paths.lock}`,
    log: result.stderr || String(result.shortMessage),
    next: 'check that flock (package util-linux) is installed and .atlas/ is writable',
  });
}

/** Name of the person behind this process, through sudo too. */
export function operator(): string {
  return process.env.SUDO_USER ?? userInfo().username;
}

async function writeHolder(verb: string): Promise<void> {
  const holder: Holder = { verb, pid: process.pid, by: operator(), since: new Date().toISOString() };
  await writeAtomically(paths.lockHolder, `${JSON.stringify(holder)}\n`, 0o600);
}

async function readHolder(): Promise<Holder | null> {
  return readFile(paths.lockHolder, 'utf8').then(
    (text) => JSON.parse(text) as Holder,
    () => null,
  );
}

/** Whoever changes this server now; null when nobody does, or whoever did was killed. */
export async function findHolder(): Promise<Holder | null> {
  const last = await readHolder();
  return last && isAlive(last.pid) ? last : null;
}

function describe({ verb, by, pid, since }: Holder): string {
  const seconds = (Date.now() - Date.parse(since)) / 1000;
  return `${verb} by ${by} (pid ${pid}) since ${since.slice(0, 19)}Z, ${formatAge(seconds)}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** WAIT=seconds as a number. @throws Failure (exit 2) for anything but a whole number */
export function parseWait(text: string | undefined): number {
  if (!text) return 0;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new Failure(`WAIT=${text} is not a number of seconds`, {
    state: 'nothing was changed',
    next: 'WAIT=60, for example',
    exitCode: EXIT.usage,
  });
}
