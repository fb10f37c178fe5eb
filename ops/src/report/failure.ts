/** Exit codes every verb keeps to (design: "An ops verb has four moves"). */
export const EXIT = { done: 0, failed: 1, usage: 2, human: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface FailureDetails {
  /** The command that failed, as an operator would type it. */
  command?: string;
  /** The last lines of the log that explains it. */
  log?: string;
  /** What the server's state is now. */
  state?: string;
  /** What to type next. */
  next?: string;
  exitCode?: ExitCode;
}

/** An expected failure: everything an operator needs to know, and no stack trace. */
export class Failure extends Error {
  readonly details: FailureDetails;

  constructor(message: string, details: FailureDetails = {}) {
    super(message);
    this.name = 'Failure';
    this.details = details;
  }

  get exitCode(): ExitCode {
    return this.details.exitCode ?? EXIT.failed;
  }
}

/** What cannot be done as it was asked (exit 2), before anything is changed. */
export const refuse = (what: string, next: string): Failure =>
  new Failure(what, { state: 'nothing was changed', next, exitCode: EXIT.usage });

/** Any error as a Failure. */
export const toFailure = (error: unknown): Failure =>
  error instanceof Failure ? error : new Failure(String((error as Error)?.message ?? error));

/** The failure as text: what failed, the command, the last log lines, the state now, what to type next. */
export function formatFailure(failure: Failure): string {
  const { command, log, state, next } = failure.details;
  const indented = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n');
  return [
    `error: ${failure.message}`,
    command && `  command: ${command}`,
    log?.trim() && `  last lines:\n${indented(log)}`,
    state && `  state: ${state}`,
    next && `  next: ${next}`,
  ]
    .filter(Boolean)
    .join('\n');
}
