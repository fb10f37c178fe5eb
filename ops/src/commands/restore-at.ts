import type { Settings } from '../config/validate.ts';
import { createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { listenForInterrupts, stopIfInterrupted } from '../host/interrupt.ts';
import { recordEvent } from '../host/ledger.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { compareRowCounts } from '../host/row-counts.ts';
import { removeScratch, type ScratchCluster } from '../host/scratch-cluster.ts';
import { describePast, describeRows, describeTarget } from '../plan/restore-at.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { formatTable } from '../report/table.ts';
import { confirm } from './confirm.ts';
import { restore } from './restore.ts';
import { observeRestoreAt, type RestoreAtFacts, type RestoreAtOptions } from './restore-at-facts.ts';
import { checkArchive, keepAsBackup, type Recovered, recover, seal } from './restore-at-scratch.ts';
import { type Resume, runRestoreAt, stopUnserved } from './restore-at-steps.ts';
import { ourselvesOf } from './switch-edge.ts';

/**
 * Brings the database to an instant: a copy of the cluster is recovered to it while the site runs, and takes the place
 * of the one that serves, which is kept. With `inspect` the copy is only looked at; with `tables` they alone come back.
 * @throws Failure; the site is then as it was, or the failure says what it is
 */
export async function restoreAt(options: RestoreAtOptions): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  const settings = await loadSettings();
  const backup = await withLock('restore', waitSeconds, () => recoverAndSwap(settings, options));
  if (backup === null) return EXIT.done;
  // From here it is a backup like any other.
  const { tables = '', yes = false } = options;
  return restore({ from: backup, tables, yes, ...(options.wait ? { wait: options.wait } : {}) });
}

/** @returns id of the backup that single tables are to be taken from */
async function recoverAndSwap(settings: Settings, options: RestoreAtOptions): Promise<string | null> {
  listenForInterrupts();
  const started = new Date();
  const facts = await observeRestoreAt(settings, options);
  printPlan(facts, options);
  if (facts.postgres) await seal(facts.postgres, started);
  await checkArchive(facts);
  stopIfInterrupted();
  const isSure = options.yes === true && !options.inspect && !options.tables;
  const stopping = facts.postgres === null && isSure ? stopUnserved(settings) : undefined;
  // It is waited for when there is a copy; until then nobody else may take its failure for their own.
  stopping?.catch(() => {});
  let recovered: Recovered | undefined;
  try {
    recovered = await recover(settings, facts, started);
    await stopping;
    await printDifference(facts, recovered.cluster);
    if (options.inspect) {
      printInspection(recovered.cluster);
      return null;
    }
    if (options.tables) return await keepAsBackup(settings, facts, recovered);
    stopIfInterrupted();
    if (!options.yes) await confirm('what was written since that instant will no longer be served');
  } catch (error) {
    await stopping?.then((resume) => resume()).catch(() => {});
    if (recovered) await removeScratch(recovered.request);
    throw error;
  }
  const unserved = options.unserved === true;
  await swap(settings, facts, recovered, { started, unserved, resume: await stopping });
  return null;
}

async function swap(
  settings: Settings,
  facts: RestoreAtFacts,
  recovered: Recovered,
  { started, unserved, resume }: { started: Date; unserved: boolean; resume: Resume | undefined },
): Promise<void> {
  const { target, chain } = facts;
  const event = () => ({
    ...{ what: 'restore' as const, started: started.toISOString(), backup: chain.at(-1)?.id ?? '' },
    ...{ target: describeTarget(target), seconds: (Date.now() - started.getTime()) / 1000 },
  });
  try {
    const serving = { settings, compose: createCompose(settings), unserved, resume };
    const { kept, seconds } = await runRestoreAt(serving, facts, recovered);
    await recordEvent({ ...event(), result: 'done' });
    note(`\nrestored ${describeTarget(target)} in ${seconds.toFixed(1)} s`);
    note(`the last commit in it is of ${recovered.cluster.lastCommit ?? 'before the base backup'}`);
    if (kept) note(`the cluster from before is kept as ${kept} in the volume: make restore-clean removes it`);
  } catch (error) {
    await recordEvent({ ...event(), result: 'failed', why: (error as Error).message }).catch(() => {});
    throw error;
  } finally {
    await writePanelStatus(ourselvesOf(settings));
  }
}

function printPlan(facts: RestoreAtFacts, { inspect, tables }: RestoreAtOptions): void {
  const { target, chain, wal, lineage } = facts;
  const base = chain.at(-1);
  const ends = {
    inspect: ['leave it running, without a network, to be looked at'],
    tables: [`make a backup of it and bring ${tables} back from that, as make restore FROM= TABLES= does`],
    swap: [
      'show what changes; ask',
      'tell everybody to come back in a moment, stop api and worker, swap the clusters, keep the present one',
      `migrate what ${facts.release} needs, clear the cache, reconcile the jobs, start api and worker`,
      'a new base backup, of the new timeline',
    ],
  }[inspect ? 'inspect' : tables ? 'tables' : 'swap'];
  const lines = [
    `check ${base?.id}${chain.length > 1 ? ` and the ${chain.length - 1} it builds on` : ''} and ${wal.files.length} files of WAL`,
    `recover a copy beside the site to ${describeTarget(target)}, timeline ${lineage.timeline}`,
    ...ends,
  ];
  note('plan:');
  for (const [index, line] of lines.entries()) note(`  ${index + 1}. ${line}`);
}

async function printDifference(facts: RestoreAtFacts, cluster: ScratchCluster): Promise<void> {
  note(`\nthe last commit then: ${cluster.lastCommit ?? 'before the base backup'}`);
  const counts = await compareRowCounts(facts.postgres, cluster.container);
  if (facts.postgres) {
    const rows = describeRows(counts);
    note(rows.length > 0 ? formatTable(rows) : 'every table has as many rows as now');
  } else {
    note('there is no cluster that runs to compare with');
    note(formatTable(describePast(counts)));
  }
}

function printInspection({ container }: ScratchCluster): void {
  const command = `docker exec -it ${container} psql -U postgres -d atlas`;
  note('\nit runs, read-only; look at it, and remove it with: make restore-clean');
  note('to bring single tables back: the same command with TABLES=salons,photos instead of INSPECT=1');
  process.stdout.write(`${command}\n`);
}
