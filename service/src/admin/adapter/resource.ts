import { BaseRecord, BaseResource, type Filter, ForbiddenError, NotFoundError } from 'adminjs';
import type { Knex } from 'knex';
import { createRow, removeRow, updateRow } from './changes.ts';
import { asValidationError } from './database-error.ts';
import { ColumnProperty } from './property.ts';
import { rows } from './rows.ts';
import type { Change, Row, TableSpec } from './table.ts';
import { applyFilter, isId } from './where.ts';

const PAGE_MAX = 500;

interface FindOptions {
  limit?: number;
  offset?: number;
  sort?: { sortBy?: string; direction?: 'asc' | 'desc' };
}

const clamp = (value: number | undefined, low: number, high: number) =>
  Math.min(high, Math.max(low, Math.trunc(Number(value)) || low));

/**
 * A table of the project's own pool, as a resource of AdminJS. Reads and writes the listed columns only.
 * Instances are handed to AdminJS directly, so nothing is registered process-wide and the schema is not
 * read at start.
 */
export class TableResource extends BaseResource {
  readonly #db: Knex;
  readonly #spec: TableSpec;
  readonly #properties: ColumnProperty[];

  constructor(db: Knex, spec: TableSpec) {
    super(spec);
    this.#db = db;
    this.#spec = spec;
    this.#properties = spec.columns.map((column, index) => new ColumnProperty(column, index));
  }

  // Never chosen for a raw resource of somebody else's.
  static override isAdapterFor(): boolean {
    return false;
  }

  override databaseName(): string {
    return 'atlas';
  }

  override databaseType(): string {
    return 'postgres';
  }

  override id(): string {
    return this.#spec.table;
  }

  override properties(): ColumnProperty[] {
    return this.#properties;
  }

  override property(path: string): ColumnProperty | null {
    return this.#properties.find((property) => property.name() === path) ?? null;
  }

  override async count(filter: Filter): Promise<number> {
    const row = await applyFilter(this.#select(), filter).clearSelect().count({ total: '*' }).first();
    return Number(row?.total ?? 0);
  }

  override async find(filter: Filter, { limit, offset, sort }: FindOptions): Promise<BaseRecord[]> {
    const sortBy = this.property(sort?.sortBy ?? '')?.name() ?? 'id';
    const direction = sort?.direction === 'asc' ? 'asc' : 'desc';
    const query = this.#select()
      .orderBy(sortBy, direction)
      // Equal values would otherwise come in any order, and paging would repeat and skip rows.
      .orderBy('id', direction)
      .limit(clamp(limit, 1, PAGE_MAX))
      .offset(clamp(offset, 0, Number.MAX_SAFE_INTEGER));
    return this.#records(await applyFilter(query, filter));
  }

  override async findOne(id: string): Promise<BaseRecord | null> {
    return (await this.findMany([id]))[0] ?? null;
  }

  override async findMany(ids: (string | number)[]): Promise<BaseRecord[]> {
    return this.#records(await this.#select().whereIn('id', ids.filter(isId).map(String)));
  }

  override async create(params: Row): Promise<Row> {
    const { insert } = this.#spec;
    if (!insert) throw this.#refusal('create');
    const values = this.#parse(params, 'create');
    const id = await this.#guarded(() => createRow(this.#db, this.#spec, insert, values));
    await this.#changed('create', id);
    return (await this.findOne(id))?.params ?? {};
  }

  override async update(id: string, params: Row): Promise<Row> {
    const values = this.#parse(params, 'update');
    // An update of nothing is no statement of SQL.
    if (Object.keys(values).length > 0) {
      await this.#guarded(() => updateRow(this.#db, this.#spec, id, values));
      await this.#changed('update', id);
    }
    const record = await this.findOne(id);
    if (!record) throw new NotFoundError('This record no longer exists.', 'Action#handler');
    return record.params;
  }

  override async delete(id: string): Promise<void> {
    const { remove } = this.#spec;
    if (!remove) throw this.#refusal('delete');
    await this.#guarded(() => removeRow(this.#db, this.#spec, remove, id));
    await this.#changed('delete', id);
  }

  #select(): Knex.QueryBuilder {
    return rows(this.#db, this.#spec);
  }

  #records(rows: Row[]): BaseRecord[] {
    const { present = (row) => row } = this.#spec;
    return rows.map((row) => new BaseRecord(present(row), this));
  }

  #parse(params: Row, action: 'create' | 'update'): Record<string, unknown> {
    if (!this.#spec.parse) throw this.#refusal(action);
    const names = this.#properties.filter((property) => property.isEditable()).map((one) => one.name());
    const form = Object.fromEntries(
      names.filter((name) => name in params).map((name) => [name, params[name]]),
    );
    return this.#spec.parse(form, action);
  }

  #refusal(action: Change['action']): Error {
    return new ForbiddenError(`The panel cannot ${action} rows of ${this.#spec.table}.`);
  }

  async #guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw asValidationError(error, this.#spec);
    }
  }

  async #changed(action: Change['action'], id: string): Promise<void> {
    await this.#spec.changed?.({ table: this.#spec.table, action, id });
  }
}
