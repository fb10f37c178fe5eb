import type { Knex } from 'knex';

/** What an entry keeps of a text: enough to recognize it. */
const TEXT_MAX_LENGTH = 500;

type Values = Record<string, unknown>;

/** Who did what, and what it changed. Nothing secret belongs in here: entries are shown and never deleted. */
export interface AuditEntry {
  /** Undefined: nobody who is known, as with a login to an account that does not exist. */
  admin?: { id: string; email: string } | undefined;
  ip: string;
  /** A verb of the panel, such as create, update, delete, revoke, login. */
  action: string;
  /** The table, and the row's id in it. */
  resource: string;
  recordId?: string | undefined;
  /** Only what the change is about. */
  before?: Values | undefined;
  after?: Values | undefined;
}

/** Writes an entry. Called inside the change's own transaction, so that neither is there without the other. */
export async function recordAudit(trx: Knex, entry: AuditEntry): Promise<void> {
  const { admin, ip, action, resource, recordId, before, after } = entry;
  await trx('admin_audit').insert({
    ...{ admin_id: admin?.id, email: admin?.email, ip, action, resource, record_id: recordId },
    before: before && JSON.stringify(before, shorten),
    after: after && JSON.stringify(after, shorten),
  });
}

function shorten(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= TEXT_MAX_LENGTH) return value;
  // By code points: half of a surrogate pair is no text, and jsonb refuses it.
  return `${[...value].slice(0, TEXT_MAX_LENGTH).join('')}…`;
}

/** The values of both that differ, or undefined when none does. */
export function differences(before: Values, after: Values): { before: Values; after: Values } | undefined {
  const names = Object.keys(after).filter(
    (name) => name !== 'updated_at' && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  if (names.length === 0) return undefined;
  const pick = (from: Values) => Object.fromEntries(names.map((name) => [name, from[name]]));
  return { before: pick(before), after: pick(after) };
}
