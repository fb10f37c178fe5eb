import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../backends/index.ts';

const root = join(import.meta.dirname, '../..');
let isBuilt = false;

/** The bundle as it ships, built once: from source a role takes seconds to start. */
function build(): string {
  if (!isBuilt) execFileSync(process.execPath, ['--import', 'tsx', 'build.ts'], { cwd: root });
  isBuilt = true;
  return join(root, 'dist/main.js');
}

/** A role of the service in a process of its own. */
export interface RoleProcess {
  child: ChildProcess;
  /** All it wrote so far. */
  output: { stdout: string; stderr: string };
  /** Resolves with its exit code, or null when a signal ended it. */
  exit: Promise<number | null>;
}

/** Starts a role with exactly this environment. */
export function startRole(args: string[], env: Record<string, string>): RoleProcess {
  const child = spawn(process.execPath, [build(), ...args], {
    env: { PATH: process.env.PATH, ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, output, exit };
}

/** Runs a role to its end. */
export async function runRole(args: string[], env: Record<string, string>) {
  const role = startRole(args, env);
  const code = await role.exit;
  return { code, ...role.output };
}

/** The lines of its log with this message, parsed. */
export function logged<T>({ output }: RoleProcess, msg: string): (T & { level: number })[] {
  const lines = output.stdout.split('\n').filter((line) => line.includes(`"msg":"${msg}"`));
  return lines.map((line) => JSON.parse(line));
}

/** Waits until the role's /readyz answers 200. */
export async function ready(url: string, role: RoleProcess): Promise<void> {
  await until(`${url} is ready`, async () => {
    if (role.child.exitCode !== null) throw new Error(role.output.stderr);
    return (await fetch(`${url}/readyz`)).status === 200;
  });
}
