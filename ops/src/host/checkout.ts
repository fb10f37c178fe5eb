import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Change, findEdited, type Position, parseChanges } from '../plan/checkout.ts';
import { Failure } from '../report/failure.ts';
import { attempt, lastLines, type Outcome, run } from './exec.ts';
import { exists, writeAtomically } from './files.ts';
import { paths } from './paths.ts';

/** The program that ends a move. A commit without it is older than this feature and cannot be moved away from. */
const MOVER = 'ops/move-checkout.sh';
const ASK_SECONDS = 30;
const FETCH_SECONDS = 300;
/** Nobody is there to answer. */
const UNATTENDED = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=10',
};

const git = (...args: string[]) => attempt('git', ['-C', paths.root, ...args]);
const mustGit = (...args: string[]) => run('git', ['-C', paths.root, ...args]);

/** Where the checkout is; null when this directory is not the top of a git work tree that git wants to work with. */
export async function findPosition(): Promise<Position | null> {
  const top = await git('rev-parse', '--show-cdup');
  if (top.exitCode !== 0 || top.stdout.trim() !== '') return null;
  const commit = await git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  if (commit.exitCode !== 0) return null;
  const branch = (await git('symbolic-ref', '--quiet', 'HEAD')).stdout.trim();
  return { commit: commit.stdout.trim(), branch: branch || null };
}

/** The commit of a tag that git has here; null when it has none. */
export async function findTag(tag: string): Promise<string | null> {
  const found = await git('rev-parse', '--verify', '--quiet', `refs/tags/${tag}^{commit}`);
  return found.exitCode === 0 ? found.stdout.trim() : null;
}

/** What git's remote says of a tag: it came here, there is none, or nobody answered. */
export type Fetched = { what: 'fetched' | 'unknown' } | { what: 'unreachable'; outcome: Outcome };

// "Exit with status 2 when no matching refs are found": https://git-scm.com/docs/git-ls-remote
const NO_SUCH_REF = 2;

/** Fetches one tag from `origin`, as far as that has it. */
export async function fetchTag(tag: string): Promise<Fetched> {
  if ((await git('config', '--get', 'remote.origin.url')).exitCode !== 0) return { what: 'unknown' };
  const ref = `refs/tags/${tag}`;
  const ask = (timeoutSeconds: number, ...args: string[]) =>
    attempt('git', ['-C', paths.root, ...args], { env: UNATTENDED, timeoutSeconds });
  const asked = await ask(ASK_SECONDS, 'ls-remote', '--exit-code', 'origin', ref);
  if (asked.exitCode === NO_SUCH_REF) return { what: 'unknown' };
  if (asked.exitCode !== 0) return { what: 'unreachable', outcome: asked };
  const got = await ask(FETCH_SECONDS, 'fetch', '--quiet', '--no-tags', 'origin', `${ref}:${ref}`);
  return got.exitCode === 0 ? { what: 'fetched' } : { what: 'unreachable', outcome: got };
}

/** Whether the ops code of a commit could move the checkout on from there. */
export async function canMoveOn(commit: string): Promise<boolean> {
  return (await git('cat-file', '-e', `${commit}:${MOVER}`)).exitCode === 0;
}

/** Whether some branch or tag leads to a commit. One that none leads to is lost once HEAD has left it. */
export async function isKept(commit: string): Promise<boolean> {
  return (await mustGit('for-each-ref', '--count=1', '--contains', commit)).trim() !== '';
}

/** What differs between two commits, and which of it was edited here. */
export async function compareCommits(
  from: string,
  to: string,
): Promise<{ changes: Change[]; edited: string[] }> {
  const raw = await mustGit('diff-tree', '-r', '-z', '--no-renames', '--raw', from, to);
  const changes = parseChanges(raw);
  const present = new Map<string, string | null>();
  for (const { path: file } of changes) present.set(file, await hashFile(file, from.length));
  return { changes, edited: findEdited(changes, present) };
}

/** A file of the checkout as git would name its content; null when there is none. */
async function hashFile(file: string, digits: number): Promise<string | null> {
  const full = path.join(paths.root, file);
  const found = await lstat(full).catch(() => null);
  if (!found || found.isDirectory()) return null;
  const bytes = found.isSymbolicLink() ? Buffer.from(await readlink(full)) : await readFile(full);
  return createHash(digits === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex');
}

/**
 * Moves the checkout: everything is made ready beside it, then decided by one rename, then done; who is killed after
 * that finds it done by the next verb. Files that do not differ, edited ones among them, are not touched.
 * @param changes what differs, none of it edited here
 */
export async function moveCheckout(to: Position, changes: readonly Change[]): Promise<void> {
  const fresh = `${paths.checkoutMove}.new`;
  await rm(fresh, { recursive: true, force: true });
  const mask = process.umask(0o022); // containers of every uid read these files
  try {
    await mkdir(path.join(fresh, 'files'), { recursive: true });
    await prepareFiles(fresh, to, changes);
  } finally {
    process.umask(mask);
  }
  await run('sync', ['--file-system', fresh]);
  await rename(fresh, paths.checkoutMove);
  await run(path.join(paths.root, MOVER), []);
}

async function prepareFiles(fresh: string, to: Position, changes: readonly Change[]): Promise<void> {
  const list = (wanted: readonly Change[]) => wanted.map(({ path: file }) => `${file}\0`).join('');
  const env = { GIT_INDEX_FILE: path.join(fresh, 'index') };
  await run('git', ['-C', paths.root, 'read-tree', to.commit], { env });
  await run(
    'git',
    ['-C', paths.root, 'checkout-index', '-z', '--stdin', `--prefix=${path.join(fresh, 'files')}/`],
    { env, input: list(changes.filter(({ after }) => after !== null)) },
  );
  await writeFile(path.join(fresh, 'delete'), list(changes.filter(({ after }) => after === null)));
  await writeFile(path.join(fresh, 'head'), `${to.branch ? `branch ${to.branch}` : `commit ${to.commit}`}\n`);
}

/** Where a deploy that has not ended yet has taken the checkout away from. */
export interface Departure {
  from: Position;
  /** The commit it went to: once the checkout is elsewhere, somebody else has moved it. */
  to: string;
}

/** Written before the checkout is moved and removed when the deploy has ended: one that is killed leaves it. */
export async function writeDeparture(departure: Departure): Promise<void> {
  await writeAtomically(paths.checkoutDeparture, `${JSON.stringify(departure)}\n`, 0o600);
}

export async function clearDeparture(): Promise<void> {
  await rm(paths.checkoutDeparture, { force: true });
}

/** Null when the checkout is where it should be, or somebody has moved it since. */
export async function readDeparture(): Promise<Departure | null> {
  if (!(await exists(paths.checkoutDeparture))) return null;
  const departure = JSON.parse(await readFile(paths.checkoutDeparture, 'utf8')) as Departure;
  return (await findPosition())?.commit === departure.to ? departure : null;
}

/** The failure of a deploy whose tag nobody could be asked about. */
export function describeUnreachable(tag: string, { command, stderr }: Outcome): Failure {
  return new Failure(
    `git's remote does not say whether it has the tag ${tag}, whose compose and nginx belong to the release`,
    {
      command,
      log: lastLines(stderr, 5),
      state: 'nothing was changed',
      next: `the same command again; or name the commit by hand: git tag ${tag} COMMIT`,
    },
  );
}
