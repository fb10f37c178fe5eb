import type { ResourceWithOptions } from 'adminjs';
import { TableResource } from '../adapter/resource.ts';
import type { ResourceDeps } from './index.ts';

const NOBODY = { isAccessible: false, isVisible: false };

/** Who changed what: to look through, and nothing else. */
export function auditLogResource({ db }: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(db, {
    table: 'admin_audit',
    columns: [
      { name: 'id' },
      { name: 'at', type: 'datetime' },
      { name: 'email' },
      { name: 'ip' },
      { name: 'action' },
      { name: 'resource' },
      { name: 'record_id' },
      { name: 'before', type: 'textarea', expression: 'jsonb_pretty(before)' },
      { name: 'after', type: 'textarea', expression: 'jsonb_pretty(after)' },
    ],
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'List' },
      sort: { sortBy: 'id', direction: 'desc' },
      titleProperty: 'action',
      listProperties: ['at', 'email', 'action', 'resource', 'record_id', 'ip'],
      filterProperties: ['email', 'action', 'resource', 'record_id', 'ip', 'at'],
      showProperties: ['at', 'email', 'ip', 'action', 'resource', 'record_id', 'before', 'after'],
      actions: { new: NOBODY, edit: NOBODY, delete: NOBODY, bulkDelete: NOBODY },
    },
  };
}
