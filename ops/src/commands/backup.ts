import type { Settings } from '../config/validate.ts';
import { alertNow } from '../host/alerts.ts';
import { loadSettings } from '../host/env-file.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { paths } from '../host/paths.ts';
import { toMegabytes } from '../host/postgres.ts';
import { rotate } from '../host/rotate.ts';
import { pingHeartbeat } from '../host/webhook.ts';
import { sizeOf } from '../plan/backups.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { ourselvesOf } from './switch-edge.ts';
import { takeBackup } from './take-backup.ts';

export interface BackupOptions {
  /** Part of the backup's name; cron says nightly. */
  reason?: string;
  /** Seconds to wait for another command that holds the lock. */
  wait?: string;
}

/** How cron calls its own (ops/cron.sh). */
const NIGHTLY = 'nightly';

/**
 * Takes a backup of database and photos, proves it, and then deletes those that are older than they are kept.
 * @throws Failure with nothing left of it, and every earlier one as it was
 */
export async function backup({ reason = 'manual', wait }: BackupOptions): Promise<ExitCode> {
  if (!/^[A-Za-z][\w.-]{0,60}$/.test(reason))
    throw new Failure(`"${reason}" cannot be part of a backup's name`, {
      ...{ state: 'nothing was changed', next: 'make backup REASON=before-moving', exitCode: EXIT.usage },
    });
  const waitSeconds = parseWait(wait);
  const settings = await loadSettings();
  return withLock('backup', waitSeconds, async () => {
    try {
      const manifest = await takeBackup(settings, reason);
      const { media } = manifest;
      const photos = media.storage === 'local' ? `, ${media.files} photo files` : '';
      note(
        `\nbackups/${manifest.id}: ${toMegabytes(sizeOf(manifest))} MB${photos}, ${manifest.seconds.toFixed(1)} s`,
      );
      if (media.storage === 's3')
        note(`photos are in the bucket ${media.bucket}: versioning there keeps what is deleted by mistake`);
      await discardOld(Number(settings.BACKUP_KEEP_DAYS));
      process.stdout.write(`${manifest.id}\n`);
    } finally {
      await writePanelStatus(ourselvesOf(settings));
      await alertNow(settings);
    }
    // Last of all: whoever waits for it elsewhere hears of nights that went well to their end, and of no others.
    if (reason === NIGHTLY) await heartbeat(settings);
    return EXIT.done;
  });
}

/** Only now, with a newer one that was read back. What stays for a reason that somebody should know is said. */
async function discardOld(keepDays: number): Promise<void> {
  const { deleted, photos, obstacles } = await rotate({ backups: paths.backups, keepDays, now: new Date() });
  for (const id of deleted) note(`deleted: ${id}, older than ${keepDays} days`);
  if (photos.removed > 0) note(`deleted: ${photos.removed} photo files that no backup has any more`);
  for (const obstacle of obstacles) note(`not deleted: ${obstacle}`);
}

async function heartbeat(settings: Settings): Promise<void> {
  const refusal = await pingHeartbeat(settings);
  if (refusal) note(`note: the heartbeat was not taken: ${refusal}`);
}
