import { BaseProperty } from 'adminjs';
import type { Column } from './table.ts';

export type PropertyType = ReturnType<BaseProperty['type']>;

/** A column of ours in the words of AdminJS. */
export class ColumnProperty extends BaseProperty {
  readonly column: Column;

  constructor(column: Column, position: number) {
    super({
      path: column.name,
      // AdminJS checks record ids of type number before it asks us: anything else is refused early.
      type: column.type ?? (column.name === 'id' ? 'number' : 'string'),
      isId: column.name === 'id',
      isSortable: column.sortable ?? true,
      position,
    });
    this.column = column;
  }

  override isEditable(): boolean {
    return this.column.editable === true;
  }

  override isRequired(): boolean {
    return this.column.required === true;
  }

  override reference(): string | null {
    return this.column.reference ?? null;
  }

  override availableValues(): string[] | null {
    return this.column.values ? [...this.column.values] : null;
  }
}
