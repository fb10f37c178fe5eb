import { execa } from 'execa';
import { Failure } from '../report/failure.ts';
import { inheritedDescriptors } from './lock-descriptor.ts';

export interface RunOptions {
  /** Added to the environment; the way secrets and settings travel, never argv. */
  env?: Record<string, string>;
  /** Written to standard input. */
  input?: string;
  /** Bound in seconds; the process is killed after it. */
  timeoutSeconds?: number;
  /** Its error stream is a terminal's progress: shown as it comes, and kept for the last lines. */
  showsProgress?: boolean;
  /** The command as an operator would type it, where that is another one. */
  shownAs?: string;
  /** What the operator should do when it fails. */
  next?: string;
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  command: string;
}

/** Argument list as an operator could paste it into a shell. */
export function formatCommand(file: string, args: readonly string[]): string {
  const quote = (word: string) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  return [file, ...args].map(quote).join(' ');
}

/** Runs a command and returns what happened, whatever the exit code. Never goes through a shell. */
export async function attempt(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const result = await execa(file, args, {
    reject: false,
    env: options.env ?? {},
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      options.showsProgress ? 2 : 'pipe',
      options.showsProgress ? ['inherit', 'pipe'] : 'pipe',
      ...inheritedDescriptors(),
    ],
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.timeoutSeconds ? { timeout: options.timeoutSeconds * 1000 } : {}),
  });
  const text = (output: unknown) => (typeof output === 'string' ? output : '');
  const written = text(result.stderr);
  const stderr = result.timedOut ? `${written}\nkilled after ${options.timeoutSeconds} s` : written;
  return {
    exitCode: result.exitCode ?? 1,
    stdout: text(result.stdout),
    stderr: stderr || (result.exitCode === undefined ? String(result.shortMessage ?? 'could not start') : ''),
    command: options.shownAs ?? formatCommand(file, args),
  };
}

/** The last lines of a text. */
export function lastLines(text: string, count = 15): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/** Runs a command and returns its standard output. @throws Failure with the command and its last lines. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await attempt(file, args, options);
  if (outcome.exitCode === 0) return outcome.stdout;
  const [program, verb] = outcome.command.split(' ');
  throw new Failure(`${program} ${verb ?? ''} exited with ${outcome.exitCode}`.trim(), {
    command: outcome.command,
    log: lastLines(outcome.stderr || outcome.stdout),
    ...(options.next ? { next: options.next } : {}),
  });
}

/** Hands the terminal to a command until it ends; returns its exit code. */
export async function attach(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const result = await execa(file, args, {
    reject: false,
    stdio: ['inherit', 'inherit', 'inherit', ...inheritedDescriptors()],
    env,
  });
  // Ctrl-C is how one leaves `logs -f` and psql: not an error of ours.
  if (result.signal === 'SIGINT') return 0;
  return result.exitCode ?? 1;
}
