import { type ExitCode, refuse } from '../report/failure.ts';
import { type RestoreOptions, restore } from './restore.ts';
import { restoreAt } from './restore-at.ts';
import type { RestoreAtOptions } from './restore-at-facts.ts';

/** From a backup, or to an instant. @throws Failure (exit 2) for options that do not go together */
export async function chooseRestore(options: RestoreOptions & RestoreAtOptions): Promise<ExitCode> {
  const { at, point, latest, inspect, timeline, from, skipSafety, tables } = options;
  const isInstant = at !== undefined || point !== undefined || latest === true;
  if (!isInstant) {
    if (inspect || timeline)
      throw refuse('INSPECT and TIMELINE go with AT=, POINT= or LATEST=1', 'make help');
    return restore(options);
  }
  if (from || skipSafety)
    throw refuse('FROM and SKIP_SAFETY go with a backup, not with an instant', 'make help');
  if (inspect && tables) throw refuse('either INSPECT=1 or TABLES=', 'make help');
  return restoreAt(options);
}
