import type { ActionRequest, ResourceWithOptions } from 'adminjs';
import type { PhotoFiles } from '../../db/photos.ts';
import type { RetryDeps } from '../retry.ts';
import { forRoles } from './access.ts';
import { auditLogResource } from './audit-log.ts';
import { photosResource } from './photos.ts';
import { salonsResource } from './salons.ts';
import { sessionsResource } from './sessions.ts';
import { tokensResource } from './tokens.ts';
import { usersResource } from './users.ts';

export interface ResourceDeps extends RetryDeps {
  /** Called with the resource's name after a change: caches start over. */
  onChange?: ((resource: string) => Promise<void>) | undefined;
  /** Removes the files of photos whose rows are gone. */
  removeFiles?: ((files: PhotoFiles[]) => Promise<void>) | undefined;
  /** The public address of a variant's file. */
  mediaUrl?: ((key: string) => string) | undefined;
}

/** What the panel shows, to whom roles.ts says. Tables not named here cannot be reached through it. */
export function panelResources(deps: ResourceDeps): ResourceWithOptions[] {
  const content = [salonsResource(deps), photosResource(deps)];
  const accounts = [
    usersResource(deps),
    tokensResource(deps),
    sessionsResource(deps),
    auditLogResource(deps),
  ];
  return [...content, ...accounts].map(withFixedId).map(forRoles);
}

/**
 * An edit changes the record of its address. AdminJS lays the form over the record it found and then asks
 * that for its id, so a form with an id of its own would be written to another record.
 */
function withFixedId({ resource, options = {} }: ResourceWithOptions): ResourceWithOptions {
  const before = (request: ActionRequest) => {
    const { id: _, ...payload } = request.payload ?? {};
    return { ...request, payload };
  };
  return {
    resource,
    options: {
      ...options,
      actions: { ...options.actions, edit: { ...(options.actions?.edit as object), before } },
    },
  };
}
