import type { ActionRequest, ResourceWithOptions } from 'adminjs';
import type { Knex } from 'knex';
import type { PhotoFiles } from '../../db/photos.ts';
import { photosResource } from './photos.ts';
import { salonsResource } from './salons.ts';

export interface ResourceDeps {
  db: Knex;
  /** Called with the resource's name after a change: caches start over. */
  onChange?: ((resource: string) => Promise<void>) | undefined;
  /** Removes the files of photos whose rows are gone. */
  removeFiles?: ((files: PhotoFiles[]) => Promise<void>) | undefined;
}

/** What the panel shows. Tables not named here (admins, sessions, tokens) cannot be reached through it. */
export function panelResources(deps: ResourceDeps): ResourceWithOptions[] {
  return [salonsResource(deps), photosResource(deps)].map(withFixedId);
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
  return { resource, options: { ...options, actions: { ...options.actions, edit: { before } } } };
}
