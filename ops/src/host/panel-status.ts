import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describeForPanel } from '../plan/panel-status.ts';
import { measureSpace } from './disks.ts';
import { writeAtomically } from './files.ts';
import { type Ourselves, readServedCertificate } from './http.ts';
import { readBackupEvents, readLedger } from './ledger.ts';
import { paths } from './paths.ts';

/** The directory that the api mounts: there before the engine makes it its own way, and readable for the api's user. */
export async function preparePanelDirectory(): Promise<string> {
  const directory = path.dirname(paths.panelStatus);
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755); // whatever the umask
  return directory;
}

/**
 * Writes what the admin panel shows of this server: releases, certificate, disk, backups. Never rejects: a panel that
 * shows yesterday's is no reason for a deploy to fail, and whoever looks with `make status` may not write.
 */
export async function writePanelStatus(ourselves: Ourselves): Promise<void> {
  try {
    const [ledger, backups, certificate, disk] = await Promise.all([
      readLedger(),
      readBackupEvents(),
      readServedCertificate(ourselves),
      measureSpace(paths.root),
    ]);
    const status = describeForPanel({
      ...{ ledger, backups, certificate, disk, now: new Date().toISOString() },
    });
    await preparePanelDirectory();
    await writeAtomically(paths.panelStatus, `${JSON.stringify(status)}\n`, 0o644);
    await chmod(paths.panelStatus, 0o644);
  } catch {
    // The panel shows how old its file is.
  }
}
