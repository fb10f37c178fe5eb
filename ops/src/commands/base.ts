import { alertNow } from '../host/alerts.ts';
import { loadSettings } from '../host/env-file.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { takeBase } from './take-base.ts';

/** Takes a base backup. @throws Failure with nothing left of it, and every earlier one as it was */
export async function base(options: { wait?: string }): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  return withLock('base', waitSeconds, async () => {
    try {
      process.stdout.write(`${(await takeBase(settings)).id}\n`);
    } finally {
      await alertNow(settings);
    }
    return EXIT.done;
  });
}
