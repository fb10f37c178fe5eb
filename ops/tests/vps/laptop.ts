import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa, type Options } from 'execa';
import { cloneCheckout, type Outcome } from '../e2e/create-stack.ts';

/** The operator's machine: a clone of the repository and an SSH agent with the operator's key. */
export interface Laptop {
  directory: string;
  /** The public half of the key that the agent holds. */
  key: string;
  /** CI's key pair, which no agent holds. */
  ciKey: string;
  git: (...args: string[]) => Promise<string>;
  /** `make VERB VARIABLE=value …` in the clone, with this text on standard input; never throws. */
  make: (verb: string, variables?: Record<string, string>, input?: string) => Promise<Outcome>;
  /** The same, of what does not end by itself: until what it prints matches. @returns all that it printed */
  makeUntil: (expected: RegExp, verb: string, variables: Record<string, string>) => Promise<string>;
  remove: () => void;
}

/** Makes it. What is not committed in this checkout is committed in the clone. */
export async function createLaptop(): Promise<Laptop> {
  const directory = await cloneCheckout();
  const git = async (...args: string[]) => {
    const who = ['-c', 'user.name=operator', '-c', 'user.email=operator@example.org'];
    return (await execa('git', [...who, ...args], { cwd: directory })).stdout;
  };
  await git('add', '--all');
  await git('commit', '--quiet', '--allow-empty', '--message', 'The checkout under test');
  const keys = path.join(directory, '.atlas/keys');
  await execa('mkdir', ['-p', '-m', '700', keys]);
  for (const name of ['operator', 'ci'])
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path.join(keys, name)]);
  const agent = startAgent(path.join(keys, 'agent'));
  await execa('ssh-add', ['-q', path.join(keys, 'operator')], { env: agent.env });
  const start = <T extends Options>(verb: string, variables: Record<string, string>, options: T) => {
    const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
    const args = ['--no-print-directory', verb, ...assignments];
    return execa('make', args, { ...options, cwd: directory, env: agent.env, reject: false });
  };
  return {
    directory,
    key: readFileSync(path.join(keys, 'operator.pub'), 'utf8').trim(),
    ciKey: path.join(keys, 'ci'),
    git,
    make: async (verb, variables = {}, input = '') => {
      const { exitCode, stdout, stderr } = await start(verb, variables, { input });
      return { exitCode: exitCode ?? 1, stdout: String(stdout), stderr: String(stderr) };
    },
    makeUntil: async (expected, verb, variables) => {
      const running = start(verb, variables, { all: true, detached: true });
      // With ssh, which make started.
      const end = () => running.pid && running.exitCode === null && process.kill(-running.pid, 'SIGTERM');
      const deadline = setTimeout(end, 60_000);
      let printed = '';
      running.all.on('data', (chunk: Buffer) => {
        printed += chunk;
        if (expected.test(printed)) end();
      });
      await running;
      clearTimeout(deadline);
      if (!expected.test(printed)) throw new Error(`make ${verb} never printed ${expected}: ${printed}`);
      return printed;
    },
    remove: () => {
      agent.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startAgent(socket: string) {
  const { stdout } = spawnSync('ssh-agent', ['-a', socket], { encoding: 'utf8' });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1]);
  if (!pid) throw new Error(`ssh-agent does not start: ${stdout}`);
  return { env: { SSH_AUTH_SOCK: socket }, stop: () => process.kill(pid) };
}

/** A file of settings, as an operator would write one. @returns its path */
export function writeSettings({ directory }: Laptop, settings: Record<string, string>): string {
  const file = path.join(directory, '.atlas/vps.env');
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return file;
}
