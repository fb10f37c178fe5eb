import { type ResourceWithOptions, ValidationError } from 'adminjs';
import type { Knex } from 'knex';
import { z } from 'zod';
import { ADMIN_ROLES, changeAdmin, deleteAdmin, LastAdminError, lockAdmins } from '../../db/admins.ts';
import { TableResource } from '../adapter/resource.ts';
import { parseForm } from './form.ts';
import type { ResourceDeps } from './index.ts';
import { opensPage } from './opens-page.ts';

const LAST_ADMIN = 'This is the last administrator who can log in. Make another one first.';

const userChanges = z.strictObject({ role: z.enum(ADMIN_ROLES).optional(), enabled: z.boolean().optional() });

/** Says on the form what would leave nobody to run the panel. */
async function keepingOneAdmin(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!(error instanceof LastAdminError)) throw error;
    const wrong = { type: 'last-admin', message: LAST_ADMIN };
    throw new ValidationError({ role: wrong }, wrong);
  }
}

/**
 * Who may log in to the panel. New ones are made on a page of ours (new-user.ts), which shows the password
 * once. The hash is no column here, so nothing can show, filter or sort by it.
 */
export function usersResource({ db }: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(db, {
    table: 'admins',
    columns: [
      { name: 'id' },
      { name: 'email' },
      { name: 'role', values: ADMIN_ROLES, editable: true, required: true },
      { name: 'enabled', type: 'boolean', expression: 'disabled_at is null', editable: true },
      { name: 'created_at', type: 'datetime' },
      { name: 'last_login_at', type: 'datetime' },
      { name: 'disabled_at', type: 'datetime' },
    ],
    lock: lockAdmins,
    parse: (form) => parseForm(userChanges, form),
    update: (trx, id, values) => keepingOneAdmin(() => changeAdmin(trx, id, values)),
    remove: async (trx: Knex, id) => {
      await keepingOneAdmin(() => deleteAdmin(trx, id));
      return undefined;
    },
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'Users' },
      sort: { sortBy: 'email', direction: 'asc' },
      titleProperty: 'email',
      listProperties: ['email', 'role', 'enabled', 'last_login_at', 'created_at'],
      filterProperties: ['email', 'role', 'enabled'],
      editProperties: ['role', 'enabled'],
      showProperties: ['email', 'role', 'enabled', 'created_at', 'last_login_at', 'disabled_at'],
      actions: { new: opensPage('/admin/users/new') },
    },
  };
}
