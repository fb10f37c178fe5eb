import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';

let requested: NodeJS.Signals | null = null;
let isDeaf = false;

/**
 * From here on Ctrl-C and SIGTERM ask a changing verb to stop at its next point and undo itself, and a
 * terminal that goes away (an SSH connection that breaks) stops nothing: the verb ends what it began.
 */
export function listenForInterrupts(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (requested || isDeaf) return;
      requested = signal;
      note(`\n${signal}: stopping at the next safe point`);
    });
  process.on('SIGHUP', () => {});
  // Nobody reads any more: no reason to die.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** From here on an interrupt comes too late: what was old is going, or what was begun is being undone. */
export function ignoreInterrupts(): void {
  isDeaf = true;
}

/** A safe point. @throws Failure when somebody asked to stop */
export function stopIfInterrupted(): void {
  if (requested && !isDeaf) throw new Failure(`interrupted by ${requested}`);
}
