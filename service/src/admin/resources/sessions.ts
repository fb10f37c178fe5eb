import type { ActionResponse, RecordJSON, ResourceWithOptions } from 'adminjs';
import { IDLE_HOURS } from '../../db/admin-sessions.ts';
import { currentActor } from '../actor.ts';
import { TableResource } from '../adapter/resource.ts';
import type { ResourceDeps } from './index.ts';

/** Says of each record whether it is the session that asks. */
function markCurrent(response: ActionResponse): ActionResponse {
  const { sessionId } = currentActor();
  const records: (RecordJSON | undefined)[] = [response.record, ...(response.records ?? [])];
  for (const record of records) {
    if (record?.params.id) record.params.current = String(record.params.id) === sessionId;
  }
  return response;
}

/** Who is logged in now, and from where. What AdminJS calls deleting logs that browser out at once. */
export function sessionsResource({ db }: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(db, {
    table: 'admin_sessions',
    columns: [
      { name: 'id' },
      { name: 'admin_id', type: 'reference', reference: 'admins' },
      { name: 'ip' },
      { name: 'user_agent' },
      { name: 'created_at', type: 'datetime' },
      { name: 'last_seen_at', type: 'datetime' },
      { name: 'expires_at', type: 'datetime' },
      // Filled in by markCurrent; here so that it is a column like the others.
      { name: 'current', type: 'boolean', expression: 'false', sortable: false },
    ],
    only: `expires_at > now() and last_seen_at > now() - interval '${IDLE_HOURS} hours'`,
    removal: 'revoke',
    remove: async (trx, id) => {
      await trx('admin_sessions').where({ id }).delete();
      return undefined;
    },
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'Monitor' },
      sort: { sortBy: 'last_seen_at', direction: 'desc' },
      listProperties: ['admin_id', 'current', 'ip', 'user_agent', 'created_at', 'last_seen_at'],
      filterProperties: ['admin_id', 'ip'],
      showProperties: ['admin_id', 'current', 'ip', 'user_agent', 'created_at', 'last_seen_at', 'expires_at'],
      actions: {
        new: { isAccessible: false, isVisible: false },
        edit: { isAccessible: false, isVisible: false },
        list: { after: markCurrent },
        show: { after: markCurrent },
        delete: { icon: 'LogOut', guard: 'confirmRevokeSession' },
      },
    },
  };
}
