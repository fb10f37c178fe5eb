import type { BaseRecord } from 'adminjs';
import type { Knex } from 'knex';
import type { PropertyType } from './property.ts';

/** One column the panel may see. What is not listed here does not exist for it. */
export interface Column {
  name: string;
  type?: PropertyType;
  /** SQL that makes its value, for one that the table does not have. */
  expression?: string;
  /** May be set through the panel. Everything else in a form is dropped, whoever sent it. */
  editable?: boolean;
  required?: boolean;
  sortable?: boolean;
  /** False: the panel reads it and cannot search by it. */
  filterable?: boolean;
  /** Id of the resource this column's value is an id of. */
  reference?: string;
  /** The only values, shown as a select. */
  values?: readonly string[];
  /** How a filter looks for a part of the value, where ILIKE is not it. */
  contains?: (query: Knex.QueryBuilder, text: string) => void;
}

/** A change that was just made, for whoever keeps copies. */
export interface Change {
  table: string;
  action: 'create' | 'update' | 'delete';
  id: string;
}

type Values = Record<string, unknown>;

/** What is left to do once a removal is committed, such as removing files. */
export type Afterwards = (() => Promise<void>) | undefined;

/**
 * A table as the panel sees it. What is left out cannot be done through the panel. Every change runs in a
 * transaction of its own (`trx`), which also writes its entry in the audit log.
 */
export interface TableSpec {
  table: string;
  /** An explicit list; `id` (bigint) is the first. The audit log keeps these columns and no other. */
  columns: readonly Column[];
  /** Adds to a row what its columns do not say; the pages see what comes out. */
  present?: (row: Values) => Values;
  /** A condition in SQL for the rows that are shown. */
  only?: string;
  /** Turns a form's editable fields into column values, or throws AdminJS's ValidationError. */
  parse?: (form: Values, action: 'create' | 'update') => Values;
  /** Runs first in each transaction, before any row is locked; `id` is the row's that changes, a new one has none. */
  lock?: (trx: Knex, id?: string) => Promise<unknown>;
  /** Adds a row and answers with its id. */
  insert?: (trx: Knex, values: Values) => Promise<string>;
  /** Changes a row, when that is more than setting its columns. */
  update?: (trx: Knex, id: string, values: Values) => Promise<void>;
  /** Deletes the row and what belongs to it. */
  remove?: (trx: Knex, id: string) => Promise<Afterwards>;
  /** What the audit log calls a removal; by default delete. */
  removal?: string;
  /** Told of every change once it is committed, before the visitor is. */
  changed?: (change: Change) => Promise<void>;
}

export type Row = BaseRecord['params'];
