import { readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
import { fillTemplate } from '../config/template.ts';
import { planImport } from '../plan/env-import.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { attempt, run } from './exec.ts';
import { paths } from './paths.ts';

const git = (...args: string[]) => ['-C', paths.root, ...args];

/** The full id of a commit, tag or branch of this checkout's repository; null when there is none of that name. */
export async function findCommit(name: string): Promise<string | null> {
  const { exitCode, stdout } = await attempt(
    'git',
    git('rev-parse', '--quiet', '--verify', `${name}^{commit}`),
  );
  return exitCode === 0 ? stdout.trim() : null;
}

/** Where this checkout's repository came from; an empty text when it has no address that another machine could use. */
export async function readOrigin(): Promise<string> {
  const { stdout } = await attempt('git', git('config', 'remote.origin.url'));
  const address = stdout.trim();
  return /^(file:|[./])/.test(address) ? '' : address;
}

/** Whether files that git knows differ from the last commit. */
export async function hasLocalEdits(): Promise<boolean> {
  return (await run('git', git('status', '--porcelain', '--untracked-files=no'))).trim() !== '';
}

/**
 * One public key of OpenSSH, without its comment, and its fingerprint.
 * @throws Failure (exit 2) when the file holds anything else, a private key above all
 */
export async function readPublicKey(file: string): Promise<{ key: string; fingerprint: string }> {
  const refuse = (why: string) =>
    new Failure(`KEY=${file}: ${why}`, {
      state: 'nothing was changed',
      next: "give the public half of CI's key, a file such as ci-key.pub",
      exitCode: EXIT.usage,
    });
  const text = await readFile(file, 'utf8').catch(() => {
    throw refuse('cannot be read');
  });
  const [, key] = /^((?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+=*)(?: .*)?$/.exec(text.trim()) ?? [];
  const print = await attempt('ssh-keygen', ['-l', '-f', '-'], { input: text });
  if (!key || print.exitCode !== 0) throw refuse('not one public key of OpenSSH');
  return { key, fingerprint: print.stdout.split(' ')[1] ?? '' };
}

/**
 * The text of a file with settings for a new server, KEY=value in each line; the others are those of .env.example, or
 * generated.
 * @throws Failure (exit 2) naming every bad key at once, never a value
 */
export async function readSettingsFile(file: string): Promise<string> {
  const refuse = (problems: readonly string[]) =>
    new Failure(`ENV_FILE=${file} is not valid:\n${problems.map((problem) => `    ${problem}`).join('\n')}`, {
      state: 'nothing was changed',
      next: 'correct it (every key is explained in .env.example) and run the same command again',
      exitCode: EXIT.usage,
    });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse([`cannot be read (${error.code})`]);
  });
  const { problems } = planImport(fillTemplate(await readFile(paths.envExample, 'utf8'), {}), text, parse);
  if (problems.length > 0) throw refuse(problems);
  return text;
}
