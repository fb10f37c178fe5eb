import type { Knex } from 'knex';
import type { TableSpec } from './table.ts';

/** The rows and columns that the panel may see, as if they were a table: filters and sorting go by its names. */
export function rows(db: Knex, spec: TableSpec): Knex.QueryBuilder {
  const { table, columns, only } = spec;
  if (!only && !columns.some(({ expression }) => expression)) {
    return db(table).select(columns.map(({ name }) => name));
  }
  const inner = db(table).select(
    columns.map(({ name, expression }) => (expression ? db.raw(`(${expression}) as ??`, [name]) : name)),
  );
  if (only) inner.whereRaw(only);
  return db.from(inner.as(table)).select(columns.map(({ name }) => name));
}
