import path from 'node:path';
import type { Manifest } from '../plan/backups.ts';
import { findRows } from '../plan/tables.ts';
import { Failure } from '../report/failure.ts';
import { fillDatabase, listContents, proveDatabase } from './pg-restore.ts';
import { psql } from './postgres.ts';

/** Some tables of a backup among the present rest. */
export interface TableChoice {
  /** As manifests name them. */
  names: readonly string[];
  /** A dump of the present, taken a moment ago. */
  present: Manifest;
}

/**
 * Fills a database with the rows of some tables from a backup and all others from the present. The schema is the
 * backup's, so that a table that was dropped comes back with its indexes and keys; foreign keys are made last and hold
 * the two together, or refuse.
 * @throws Failure, also when rows of the one point to rows that the other does not have
 */
export async function fillTables(
  container: string,
  database: string,
  backups: string,
  backup: Manifest,
  { names, present }: TableChoice,
): Promise<void> {
  const [from, now] = [backup, present].map(({ id }) => path.join(backups, id)) as [string, string];
  const read = async ({ tables }: Manifest, directory: string) =>
    findRows(
      await listContents(container, directory),
      tables.map(({ name }) => name),
    );
  const [old, current] = [await read(backup, from), await read(present, now)];
  const isChosen = (table: string) => names.includes(table);
  refuseLoss(backup, present);
  await fillDatabase(container, database, from, { section: 'pre-data' });
  // Sequences as in the backup first, then what the present knows of them.
  await fillDatabase(container, database, from, {
    lines: [...old.rows.filter(({ table }) => isChosen(table)).map(({ line }) => line), ...old.sequences],
  });
  await fillDatabase(container, database, now, {
    lines: [
      ...current.rows.filter(({ table }) => !isChosen(table)).map(({ line }) => line),
      ...current.sequences,
      ...current.others,
    ],
  });
  await psql(container, database, RAISE_SEQUENCES);
  await fillDatabase(container, database, from, { section: 'post-data' });
  await proveDatabase(container, database, expectedOf(backup, present, isChosen));
}

/** A table of the present that the backup's schema does not have would be gone. */
function refuseLoss(backup: Manifest, present: Manifest): void {
  const known = backup.tables.map(({ name }) => name);
  const lost = present.tables.map(({ name }) => name).filter((name) => !known.includes(name));
  if (lost.length > 0)
    throw new Failure(`${backup.id} does not know ${lost.join(', ')}: only all of it can be restored`);
}

/** Tables that neither has rows of are empty: their sum is 0. */
function expectedOf(backup: Manifest, present: Manifest, isChosen: (table: string) => boolean) {
  return backup.tables.map((then) => {
    const now = present.tables.find(({ name }) => name === then.name);
    return isChosen(then.name) ? then : (now ?? { name: then.name, rows: 0, sum: '0' });
  });
}

// The next number of a column may be none that is taken already.
const RAISE_SEQUENCES = `
do $$ declare it record; highest bigint; begin
  for it in select s.oid::regclass as sequence, d.refobjid::regclass as owner, attname as name
    from pg_class s join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass
      and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    join pg_attribute on attrelid = d.refobjid and attnum = d.refobjsubid where s.relkind = 'S'
  loop
    execute format('select max(%I) from %s', it.name, it.owner) into highest;
    if highest > (select coalesce(pg_sequence_last_value(it.sequence), 0)) then
      perform setval(it.sequence, highest);
    end if;
  end loop;
end $$;
`;
