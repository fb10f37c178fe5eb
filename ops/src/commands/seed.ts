import type { ExitCode } from '../report/failure.ts';
import { inApi } from './accounts.ts';

/** Adds the example salons. The service refuses (exit 2) beside salons of somebody's own, unless `yes`. */
export function seed(options: { yes?: boolean }): Promise<ExitCode> {
  return inApi(['seed', ...(options.yes ? ['--yes'] : [])]);
}
