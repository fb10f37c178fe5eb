import type { Filter } from 'adminjs';
import type { Knex } from 'knex';
import { ColumnProperty } from './property.ts';
import type { Column } from './table.ts';

/** Whether a value from a URL or a form is a bigint id Postgres would take. */
export function isId(value: unknown): boolean {
  return /^[1-9]\d{0,17}$/.test(String(value));
}

/** Escapes what LIKE gives a meaning to, and drops NUL, which no Postgres text can hold. */
function likePattern(value: string): string {
  return `%${value.replaceAll('\0', '').replace(/[\\%_]/g, '\\$&')}%`;
}

function whereDate(query: Knex.QueryBuilder, name: string, range: { from?: string; to?: string }): void {
  for (const [operator, text] of [
    ['>=', range.from],
    ['<=', range.to],
  ] as const) {
    const time = text ? new Date(text) : undefined;
    if (time && !Number.isNaN(time.getTime())) query.where(name, operator, time);
  }
}

function whereColumn(query: Knex.QueryBuilder, column: Column, value: unknown): void {
  const { name } = column;
  if (name === 'id' || column.reference) {
    // A filter nobody can satisfy answers with nothing, not with an error of the database.
    if (isId(value)) query.where(name, String(value));
    else query.whereRaw('false');
  } else if (column.type === 'datetime' || column.type === 'date') {
    if (value && typeof value === 'object') whereDate(query, name, value);
  } else if (column.type === 'boolean') {
    query.where(name, String(value) === 'true');
  } else if (column.type === 'number' || column.type === 'float') {
    const number = Number(value);
    if (Number.isFinite(number)) query.where(name, number);
    else query.whereRaw('false');
  } else if (column.values) {
    query.where(name, String(value));
  } else if (column.contains) {
    column.contains(query, String(value).replaceAll('\0', ''));
  } else {
    query.whereRaw('?? ilike ?', [name, likePattern(String(value))]);
  }
}

/** Adds the filters the visitor chose. Names that are no columns of ours are ignored. */
export function applyFilter(query: Knex.QueryBuilder, filter: Filter): Knex.QueryBuilder {
  for (const { property, value } of Object.values(filter.filters)) {
    if (property instanceof ColumnProperty && property.column.filterable !== false)
      whereColumn(query, property.column, value);
  }
  return query;
}
