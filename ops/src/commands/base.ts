import { alertNow } from '../host/alerts.ts';
import { needsBase } from '../host/base-catalogue.ts';
import { loadSettings } from '../host/env-file.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { paths } from '../host/paths.ts';
import { readEpochs } from '../host/wal-archive.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { takeBase } from './take-base.ts';

/** Whether WAL is received that no base backup leads into: after a slot was lost, or a first one failed. */
const isDue = async () => (await readEpochs(paths.backups)).length > 0 && (await needsBase(paths.backups));

/** Takes a base backup; with `due` only when none leads into the WAL. @throws Failure with nothing left of it, and every earlier one as it was */
export async function base(options: { due?: boolean; wait?: string }): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  if (options.due && !(await isDue())) return EXIT.done;
  return withLock('base', waitSeconds, async () => {
    try {
      process.stdout.write(`${(await takeBase(settings)).id}\n`);
    } finally {
      await alertNow(settings);
    }
    return EXIT.done;
  });
}
