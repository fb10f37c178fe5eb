import { alertNow } from '../host/alerts.ts';
import { needsBase } from '../host/base-catalogue.ts';
import { loadSettings } from '../host/env-file.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { paths } from '../host/paths.ts';
import { rotateBases } from '../host/rotate-bases.ts';
import { readEpochs } from '../host/wal-archive.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { takeBase } from './take-base.ts';

/** Whether WAL is received that no base backup leads into: after a slot was lost, or a first one failed. */
const isDue = async () => (await readEpochs(paths.backups)).length > 0 && (await needsBase(paths.backups));

/**
 * Takes a base backup, and then deletes those that are older than they are kept, with the WAL that only they need; with `due`
 * only when none leads into the WAL.
 * @throws Failure with nothing left of it, and every earlier one as it was
 */
export async function base(options: { due?: boolean; wait?: string }): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  if (options.due && !(await isDue())) return EXIT.done;
  return withLock('base', waitSeconds, async () => {
    try {
      const { id } = await takeBase(settings);
      await discardOld(Number(settings.BACKUP_KEEP_DAYS));
      process.stdout.write(`${id}\n`);
    } finally {
      await alertNow(settings);
    }
    return EXIT.done;
  });
}

/** Only now, with a newer one that was read back. */
async function discardOld(keepDays: number): Promise<void> {
  const gone = await rotateBases({ backups: paths.backups, keepDays, now: new Date() });
  for (const id of gone.bases) note(`deleted: ${id}, older than ${keepDays} days`);
  for (const name of gone.epochs)
    note(`deleted: backups/wal/${name}, which no base backup leads into any more`);
  if (gone.files > 0) note(`deleted: ${gone.files} files of WAL from before the oldest base backup`);
  if (gone.points > 0) note(`deleted: ${gone.points} restore points that no base backup leads to any more`);
  if (gone.obstacle) note(`not deleted: ${gone.obstacle}`);
}
