import { spawn } from 'node:child_process';
import type { Stack } from '../tests/e2e/create-stack.ts';

/** A verb as it was seen from outside; times in ms since the epoch. */
export interface Watched {
  startedAt: number;
  endedAt: number;
  exitCode: number | null;
  output: string;
  /** When each line of a finished step appeared. */
  lines: { at: number; text: string }[];
}

/** Runs `make VERB` or any command in the stack's directory and notes when it wrote what. */
export function watch(
  stack: Stack,
  environment: Record<string, string>,
  file: string,
  ...args: string[]
): Promise<Watched> {
  const startedAt = Date.now();
  const child = spawn(file, args, {
    cwd: stack.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const lines: Watched['lines'] = [];
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    for (const text of chunk.split('\n')) if (text) lines.push({ at: Date.now(), text });
  });
  return new Promise((resolve) => {
    child.once('close', (exitCode) => resolve({ startedAt, endedAt: Date.now(), exitCode, output, lines }));
  });
}

/** Seconds from the start to the first line that matches; NaN when there was none. */
export function secondsTo({ startedAt, lines }: Watched, pattern: RegExp): number {
  const line = lines.find(({ text }) => pattern.test(text));
  return line ? (line.at - startedAt) / 1000 : Number.NaN;
}
