import type { Knex } from 'knex';

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) gives it. */
interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What one statement read. */
export interface Reading {
  sql: string;
  /** Tables that were read from end to end. */
  seqScans: string[];
  indexes: string[];
  /** Rows and index entries that were looked at, whether they came out or not. */
  rows: number;
}

/**
 * What each statement of `work` reads: the very statements that the service sends, explained and run again with
 * their values. Nothing of that second run stays.
 */
export async function readingsOf(db: Knex, work: () => Promise<unknown>): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const { sql, bindings } of await statementsOf(db, work))
    readings.push(summarize(sql, await explain(db, sql, bindings)));
  return readings;
}

async function statementsOf(db: Knex, work: () => Promise<unknown>) {
  const sent: { sql: string; bindings: Knex.Value[] }[] = [];
  const note = ({ sql, bindings = [] }: { sql: string; bindings?: Knex.Value[] }) => {
    if (/^(with|select|insert|update|delete)\b/i.test(sql)) sent.push({ sql, bindings });
  };
  db.on('query', note);
  await work();
  db.removeListener('query', note);
  return sent;
}

/**
 * Tables that the statements of `work` read from end to end when the server plans them once for all values, as it may do with a
 * prepared one from its sixth use on. https://www.postgresql.org/docs/17/sql-prepare.html
 */
export async function genericSeqScans(db: Knex, work: () => Promise<unknown>): Promise<string[]> {
  const found: string[] = [];
  const statements = await statementsOf(db, work);
  const connection = await db.client.acquireConnection();
  try {
    await connection.query('set plan_cache_mode = force_generic_plan');
    for (const { sql, bindings } of statements) {
      const values = bindings.map((value) => connection.escapeLiteral(String(value))).join(', ');
      await connection.query(`prepare generic as ${sql}`);
      const { rows } = await connection.query(`explain (format json) execute generic(${values})`);
      const scans = flatten(rows[0]['QUERY PLAN'][0].Plan).filter((node) => node['Node Type'] === 'Seq Scan');
      found.push(...scans.map((node) => node['Relation Name'] ?? ''));
      await connection.query('deallocate generic');
    }
    return found;
  } finally {
    await connection.query('reset plan_cache_mode');
    await db.client.releaseConnection(connection);
  }
}

async function explain(db: Knex, sql: string, bindings: Knex.Value[]): Promise<PlanNode> {
  const connection = await db.client.acquireConnection();
  try {
    await connection.query('begin');
    // The driver's own query: knex has already turned its question marks into numbers.
    const values = bindings.map((value) => (value instanceof Date ? value.toISOString() : value));
    const { rows } = await connection.query(`explain (analyze, format json) ${sql}`, values);
    return rows[0]['QUERY PLAN'][0].Plan;
  } finally {
    await connection.query('rollback');
    await db.client.releaseConnection(connection);
  }
}

function summarize(sql: string, plan: PlanNode): Reading {
  // Of tables and indexes: a subquery passes on what is counted below it.
  const scans = flatten(plan).filter((node) => node['Relation Name'] ?? node['Index Name']);
  return {
    sql,
    seqScans: scans
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .map((node) => node['Relation Name'] ?? ''),
    indexes: scans.map((node) => node['Index Name'] ?? '').filter(Boolean),
    rows: scans.map(rowsOf).reduce((sum, rows) => sum + rows, 0),
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** PostgreSQL gives averages over the loops of a node. */
function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return Math.ceil((node['Actual Rows'] + removed) * node['Actual Loops']);
}
