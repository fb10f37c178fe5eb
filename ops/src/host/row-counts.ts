import { DATABASE } from '../plan/backups.ts';
import type { RowCount } from '../plan/restore-at.ts';
import { psql } from './postgres.ts';

// One statement for tables whose names are only known inside it.
const COUNT = `
select json_object_agg(format('%I.%I', schemaname, tablename), (xpath('/row/c/text()',
  query_to_xml(format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint)
from pg_tables where schemaname not in ('pg_catalog', 'information_schema');`;

type Counts = Record<string, number>;

/** Rows of every table of the service's database. @throws Failure */
async function countRows(container: string): Promise<Counts> {
  return (JSON.parse((await psql(container, DATABASE, COUNT)) || 'null') as Counts | null) ?? {};
}

/** Rows of every table in two clusters. @param serving container of the one that serves; null when none does */
export async function compareRowCounts(serving: string | null, recovered: string): Promise<RowCount[]> {
  const [present, past]: Counts[] = await Promise.all([
    serving ? countRows(serving) : {},
    countRows(recovered),
  ]);
  const tables = [...new Set([...Object.keys(present ?? {}), ...Object.keys(past ?? {})])].sort();
  return tables.map((table) => ({ table, present: present?.[table] ?? null, past: past?.[table] ?? null }));
}
