import { NotFoundError } from 'adminjs';
import type { Knex } from 'knex';
import { differences, recordAudit } from '../../db/audit.ts';
import { audited, currentActor } from '../actor.ts';
import { rows } from './rows.ts';
import type { Afterwards, TableSpec } from './table.ts';

type Values = Record<string, unknown>;

/** The row as the panel sees it, locked until the transaction ends. @throws when it is gone. */
async function lockRow(trx: Knex, spec: TableSpec, id: string): Promise<Values> {
  const found = await trx(spec.table).where({ id }).forUpdate().first('id');
  const row = found && (await readRow(trx, spec, id));
  if (!row) throw new NotFoundError('This record no longer exists.', 'Action#handler');
  return row;
}

const readRow = (trx: Knex, spec: TableSpec, id: string): Promise<Values | undefined> =>
  rows(trx, spec).where({ id }).first();

/** Adds a row with its audit entry, both or neither. Answers with its id. */
export async function createRow(
  db: Knex,
  spec: TableSpec,
  insert: NonNullable<TableSpec['insert']>,
  values: Values,
): Promise<string> {
  return db.transaction(async (trx) => {
    await spec.lock?.(trx);
    const id = await insert(trx, values);
    const after = await readRow(trx, spec, id);
    await recordAudit(trx, {
      ...audited(currentActor()),
      action: 'create',
      resource: spec.table,
      recordId: id,
      after,
    });
    return id;
  });
}

/** Changes a row with its audit entry, both or neither. What comes out as it was makes no entry. */
export async function updateRow(db: Knex, spec: TableSpec, id: string, values: Values): Promise<void> {
  await db.transaction(async (trx) => {
    await spec.lock?.(trx, id);
    const before = await lockRow(trx, spec, id);
    if (spec.update) await spec.update(trx, id, values);
    else await trx(spec.table).where({ id }).update(values);
    const changes = differences(before, (await readRow(trx, spec, id)) ?? {});
    if (!changes) return;
    await recordAudit(trx, {
      ...{ ...audited(currentActor()), action: 'update', resource: spec.table, recordId: id },
      ...changes,
    });
  });
}

/** Removes a row with its audit entry, both or neither; then what was left to do. */
export async function removeRow(
  db: Knex,
  spec: TableSpec,
  remove: NonNullable<TableSpec['remove']>,
  id: string,
): Promise<void> {
  const { removal: action = 'delete', table: resource } = spec;
  const afterwards: Afterwards = await db.transaction(async (trx) => {
    await spec.lock?.(trx, id);
    const before = await lockRow(trx, spec, id);
    const left = await remove(trx, id);
    await recordAudit(trx, { ...audited(currentActor()), action, resource, recordId: id, before });
    return left;
  });
  await afterwards?.();
}
