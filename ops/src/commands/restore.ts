import type { Settings } from '../config/validate.ts';
import { readCatalogue } from '../host/catalogue.ts';
import { bringUp, createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { listenForInterrupts } from '../host/interrupt.ts';
import { recordEvent } from '../host/ledger.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { paths } from '../host/paths.ts';
import { listApplied } from '../host/schema.ts';
import type { Manifest } from '../plan/backups.ts';
import { DATA_SERVICES } from '../plan/deploy.ts';
import { describeRestore, findUnknown, type RestoreFacts } from '../plan/restore.ts';
import { chooseTables, TableChoiceError } from '../plan/tables.ts';
import { EXIT, type ExitCode, refuse } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { confirm } from './confirm.ts';
import { migrationsOf } from './deploy-facts.ts';
import { runRestore } from './restore-steps.ts';
import { findServingRelease } from './serving-release.ts';
import { ourselvesOf } from './switch-edge.ts';
import { requirePostgres } from './take-backup.ts';

export interface RestoreOptions {
  /** A backup's id; without it the newest. */
  from?: string;
  /** Names of tables with commas between them; without it all of them, and photos. */
  tables?: string;
  skipSafety?: boolean;
  yes?: boolean;
  wait?: string;
}

/**
 * Brings database and photos back from a backup. The present database is kept beside the restored one.
 * @throws Failure; the site is then as it was, or the failure says what it is
 */
export async function restore(options: RestoreOptions): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  if (options.tables && options.skipSafety)
    throw refuse('some tables alone need the backup of the present state', 'the same without SKIP_SAFETY=1');
  const settings = await loadSettings();
  return withLock('restore', waitSeconds, async () => {
    listenForInterrupts();
    const started = new Date();
    const backup = await chooseBackup(options.from);
    const facts = await observe(settings, backup, options);
    note('plan:');
    for (const [index, line] of describeRestore(facts).entries()) note(`  ${index + 1}. ${line}`);
    if (!options.yes) await confirm('what was written since that backup will no longer be served');
    const event = () => ({
      ...{ what: 'restore' as const, backup: backup.id, started: started.toISOString() },
      seconds: (Date.now() - started.getTime()) / 1000,
    });
    try {
      const { keptDatabase, safety } = await runRestore(settings, facts);
      await recordEvent({ ...event(), result: 'done' });
      note(`\nrestored ${backup.id} in ${event().seconds.toFixed(1)} s`);
      note(`the database from before is kept as ${keptDatabase}: make restore-clean drops it`);
      if (safety)
        note(`the state from before is backups/${safety}: make restore FROM=${safety} goes back to it`);
      return EXIT.done;
    } catch (error) {
      await recordEvent({ ...event(), result: 'failed', why: (error as Error).message }).catch(() => {});
      throw error;
    } finally {
      await writePanelStatus(ourselvesOf(settings));
    }
  });
}

async function chooseBackup(id: string | undefined): Promise<Manifest> {
  const { backups, broken } = await readCatalogue(paths.backups, { thorough: false });
  const damage = broken.find(({ name }) => name === id);
  if (damage) throw refuse(`${damage.name} is no backup any more: ${damage.why}`, 'make backups');
  const ids = backups.map(({ manifest }) => manifest.id);
  const found = backups.find(({ manifest }) => !id || manifest.id === id);
  // The newest may be one of these: whoever reads the plan must know.
  for (const { name, why } of broken) note(`not considered: ${name}: ${why}`);
  if (found) return found.manifest;
  if (!id) throw refuse('there is no backup', 'make backups says what lies in backups/');
  throw refuse(`there is no backup ${id}`, `FROM=<one of: ${ids.slice(0, 10).join(', ')}>`);
}

async function observe(
  settings: Settings,
  backup: Manifest,
  { tables, skipSafety }: RestoreOptions,
): Promise<RestoreFacts> {
  const { release, imageId } = await findServingRelease(settings);
  const compose = createCompose(settings);
  await step('data services, healthy', () => bringUp(compose, ...DATA_SERVICES));
  const known = await migrationsOf(compose, imageId, await compose.configHashes());
  const unknown = findUnknown({ backup, known });
  if (unknown.length > 0)
    throw refuse(
      `release ${release} does not know ${unknown.join(', ')} of that backup`,
      `make deploy TAG=${backup.release}, then the same command again`,
    );
  const present = (await listApplied(await requirePostgres(settings))).map(({ name }) => name);
  try {
    const names = tables ? chooseTables(tables, backup, { migrations: present }) : null;
    return { backup, release, known, tables: names, safety: !skipSafety };
  } catch (error) {
    if (error instanceof TableChoiceError)
      throw refuse(error.message, 'make restore TABLES=salons, for example');
    throw error;
  }
}
