import { listKeptClusters, placeOf, removeKeptCluster } from '../host/cluster-swap.ts';
import { removeContainer } from '../host/containers.ts';
import { loadSettings } from '../host/env-file.ts';
import { dropKeptDatabase, listKeptDatabases } from '../host/kept-databases.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { listKeptAside, removeKeptAside } from '../host/media-restore.ts';
import { paths } from '../host/paths.ts';
import { explain } from '../host/postgres.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { formatBytes } from '../report/table.ts';
import { confirm } from './confirm.ts';
import { requirePostgres } from './take-backup.ts';

/**
 * Drops the databases and clusters that restores have kept, and the photos that were in their way, after a yes.
 * @throws Failure when one cannot be dropped; those before it are gone
 */
export async function restoreClean(options: { yes?: boolean; wait?: string }): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  return withLock('restore-clean', waitSeconds, async () => {
    const container = await requirePostgres(settings);
    const place = placeOf(settings);
    const kept = await listKeptDatabases(container);
    const clusters = await listKeptClusters(place);
    const aside = await listKeptAside(paths.uploads);
    if (kept.length + clusters.length + aside.length === 0) {
      note('no restore has kept a database or a cluster: there is nothing to drop');
      return EXIT.done;
    }
    for (const { name, bytes } of kept) note(`  ${name}  ${formatBytes(bytes)}`);
    for (const { directory, bytes } of clusters)
      note(
        `  ${directory}  ${formatBytes(bytes)}, a whole cluster${directory.startsWith('before-') ? '' : ' that was being looked at'}`,
      );
    for (const directory of aside) note(`  ${directory}  photos that were in the way`);
    if (!options.yes) await confirm('nothing brings them back once they are dropped');
    for (const database of kept) {
      await step(`drop ${database.name}`, () => dropKeptDatabase(container, database)).catch((error) => {
        throw explain(error, `${database.name} was not dropped`, {
          state: 'what is served is as it was',
          next: 'end what is connected to it, then make restore-clean',
        });
      });
    }
    if (clusters.length > 0) await removeContainer(`${settings.COMPOSE_PROJECT_NAME}-restore`);
    for (const cluster of clusters)
      await step(`remove ${cluster.directory}`, () => removeKeptCluster(place, cluster));
    for (const directory of aside) await step(`remove ${directory}`, () => removeKeptAside(directory));
    return EXIT.done;
  });
}
