import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { type RestoreOptions, restore } from './restore.ts';
import { restoreAt } from './restore-at.ts';
import type { RestoreAtOptions } from './restore-at-facts.ts';

/** From a backup, or to an instant. @throws Failure (exit 2) for options that do not go together */
export async function chooseRestore(options: RestoreOptions & RestoreAtOptions): Promise<ExitCode> {
  const { at, point, latest, inspect, timeline, from, skipSafety, tables } = options;
  const isInstant = at !== undefined || point !== undefined || latest === true;
  if (!isInstant) {
    if (inspect || timeline) throw refuse('INSPECT and TIMELINE go with AT=, POINT= or LATEST=1');
    return restore(options);
  }
  if (from || skipSafety) throw refuse('FROM and SKIP_SAFETY go with a backup, not with an instant');
  if (inspect && tables) throw refuse('either INSPECT=1 or TABLES=');
  return restoreAt(options);
}

const refuse = (what: string) =>
  new Failure(what, { state: 'nothing was changed', next: 'make help', exitCode: EXIT.usage });
