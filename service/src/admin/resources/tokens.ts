import { type ResourceWithOptions, ValidationError } from 'adminjs';
import { revokeToken, TOKEN_SCOPES, TOKEN_STATE } from '../../db/tokens.ts';
import { TableResource } from '../adapter/resource.ts';
import type { ResourceDeps } from './index.ts';
import { opensPage } from './opens-page.ts';

/**
 * API tokens. New ones are made on a page of ours (new-token.ts), which shows them once. What AdminJS calls
 * deleting revokes here: the row stays, so that whoever still sends the token hears why it opens nothing.
 */
export function tokensResource({ db }: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(db, {
    table: 'api_tokens',
    columns: [
      { name: 'id' },
      { name: 'name' },
      { name: 'scope', values: TOKEN_SCOPES },
      { name: 'state', expression: TOKEN_STATE, values: ['live', 'expired', 'revoked'] },
      { name: 'created_at', type: 'datetime' },
      { name: 'last_used_at', type: 'datetime' },
      { name: 'expires_at', type: 'datetime' },
      { name: 'revoked_at', type: 'datetime' },
    ],
    removal: 'revoke',
    remove: async (trx, id) => {
      if (await revokeToken(trx, id)) return undefined;
      throw new ValidationError({}, { type: 'revoked', message: 'This token is revoked already.' });
    },
  });
  const shown = ['name', 'scope', 'state', 'created_at', 'last_used_at', 'expires_at', 'revoked_at'];
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'Key' },
      sort: { sortBy: 'id', direction: 'desc' },
      listProperties: shown.slice(0, -1),
      filterProperties: ['name', 'scope', 'state'],
      showProperties: shown,
      actions: {
        new: opensPage('/admin/tokens/new'),
        edit: { isAccessible: false, isVisible: false },
        bulkDelete: { isAccessible: false, isVisible: false },
        delete: { icon: 'Slash', guard: 'confirmRevokeToken' },
      },
    },
  };
}
