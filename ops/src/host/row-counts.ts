import { DATABASE } from '../plan/backups.ts';
import type { RowCount } from '../plan/restore-at.ts';
import { psql } from './postgres.ts';

// What is not compared need not be exact: reading 2 GB takes seconds in which no site serves.
const SMALL_BYTES = 64 * 1024 * 1024;

interface Count {
  rows: number;
  exact: boolean;
}
type Counts = Record<string, Count>;

// One statement for tables whose names are only known inside it.
const countUpTo = (bytes: number) => `
select json_object_agg(name, json_build_object('exact', exact, 'rows', case when exact
  then (xpath('/row/c/text()', query_to_xml('select count(*) as c from ' || name, false, true, '')))[1]::text::bigint
  else estimate end))
from (
  select format('%I.%I', nspname, relname) as name, reltuples::bigint as estimate,
    reltuples < 0 or pg_relation_size(c.oid) < ${bytes} as exact
  from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind in ('r', 'p') and nspname not in ('pg_catalog', 'information_schema')
) t;`;

/** Rows of every table of the service's database. @param bytes bigger tables are estimated  @throws Failure */
async function countRows(container: string, bytes = Number.MAX_SAFE_INTEGER): Promise<Counts> {
  return (JSON.parse((await psql(container, DATABASE, countUpTo(bytes))) || 'null') as Counts | null) ?? {};
}

/**
 * Rows of every table in two clusters; where there is only one, those of its big tables are what its planner thinks.
 * @param serving container of the one that serves; null when none does
 */
export async function compareRowCounts(serving: string | null, recovered: string): Promise<RowCount[]> {
  const [present, past] = await Promise.all([
    serving ? countRows(serving) : ({} as Counts),
    countRows(recovered, serving ? undefined : SMALL_BYTES),
  ]);
  const tables = [...new Set([...Object.keys(present), ...Object.keys(past)])].sort();
  return tables.map((table) => ({
    ...{ table, present: present[table]?.rows ?? null, past: past[table]?.rows ?? null },
    estimated: past[table]?.exact === false,
  }));
}
