import { verifyFiles } from '../host/digest.ts';
import { fillDatabase, proveDatabase } from '../host/pg-restore.ts';
import { requireSpace } from '../host/restore.ts';
import { prepareThrowaway } from '../host/throwaway.ts';
import { DATABASE, type Manifest } from '../plan/backups.ts';
import { step } from '../report/steps.ts';

/** How many photos, chosen by chance, a drill reads. */
export const PHOTO_SAMPLE = 50;

/**
 * Restores a dump into a throwaway postgres and compares every table with what was there when it was dumped.
 * @param directory of the dump  @throws Failure naming what is not as it was
 */
export async function proveDump(backup: Manifest, directory: string, container: string): Promise<void> {
  await requireSpace(container, backup);
  await step('every file as its manifest says', () => verifyFiles(backup, directory));
  await step('restore', async () => {
    await prepareThrowaway(container, directory);
    await fillDatabase(container, DATABASE, directory);
  });
  await step(`${backup.tables.length} tables as they were dumped`, () =>
    proveDatabase(container, DATABASE, backup.tables),
  );
}
