import type { BaseRecord } from 'adminjs';
import type { PropertyType } from './property.ts';

/** One column the panel may see. What is not listed here does not exist for it. */
export interface Column {
  name: string;
  type?: PropertyType;
  /** May be set through the panel. Everything else in a form is dropped, whoever sent it. */
  editable?: boolean;
  required?: boolean;
  sortable?: boolean;
  /** Id of the resource this column's value is an id of. */
  reference?: string;
  /** The only values, shown as a select. */
  values?: readonly string[];
}

/** A change that was just made: what an audit log would want to know. */
export interface Change {
  table: string;
  action: 'create' | 'update' | 'delete';
  id: string;
}

type Values = Record<string, unknown>;

/** A table as the panel sees it. What is left out cannot be done through the panel. */
export interface TableSpec {
  table: string;
  /** An explicit list; `id` (bigint) is the first. */
  columns: readonly Column[];
  /** Turns a form's editable fields into column values, or throws AdminJS's ValidationError. */
  parse?: (form: Values, action: 'create' | 'update') => Values;
  /** Adds a row and answers with its id. */
  insert?: (values: Values) => Promise<string>;
  /** Deletes the row and what belongs to it. */
  remove?: (id: string) => Promise<void>;
  /** Told of every change once it is committed, before the visitor is. */
  changed?: (change: Change) => Promise<void>;
}

export type Row = BaseRecord['params'];
