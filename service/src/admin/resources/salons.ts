import { NotFoundError, type ResourceWithOptions, ValidationError } from 'adminjs';
import type { Knex } from 'knex';
import { createSalon, deleteSalon, SlugTakenError } from '../../db/salons.ts';
import { whereContains } from '../../db/search.ts';
import { newSalon, type SalonInput, salonChanges } from '../../schemas/salon.ts';
import { TableResource } from '../adapter/resource.ts';
import type { Afterwards } from '../adapter/table.ts';
import { emptyAsNull, parseForm } from './form.ts';
import type { ResourceDeps } from './index.ts';

const FIELDS = ['name', 'slug', 'city', 'description', 'address', 'phone', 'published'];

/**
 * A form's fields by the API's own rules. An empty slug is made from the name, or stays as it is; a box
 * that nobody ticked is not sent, and a new salon is as the form showed it: not published.
 */
function parseSalon(form: Record<string, unknown>, action: 'create' | 'update'): Record<string, unknown> {
  const { slug, ...rest } = emptyAsNull(form);
  const fields = slug ? { ...rest, slug } : rest;
  if (action === 'update') return parseForm(salonChanges, fields);
  return parseForm(newSalon, { published: false, ...fields });
}

async function insertSalon(db: Knex, values: Record<string, unknown>): Promise<string> {
  try {
    return String((await createSalon(db, values as unknown as SalonInput)).id);
  } catch (error) {
    if (!(error instanceof SlugTakenError)) throw error;
    throw new ValidationError({ slug: { type: 'unique', message: 'belongs to another salon' } });
  }
}

async function removeSalon(trx: Knex, id: string, { removeFiles }: ResourceDeps): Promise<Afterwards> {
  const salon = await trx('salons').where({ id }).first('slug');
  const files = salon && (await deleteSalon(trx, salon.slug));
  if (!files) throw new NotFoundError('This salon no longer exists.', 'Action#handler');
  return () => removeFiles?.(files) ?? Promise.resolve();
}

/** A filter of the panel forgives spellings as the API's search does. */
const contains = (column: 'name' | 'city') => (query: Knex.QueryBuilder, text: string) =>
  whereContains(query, column, text);

/** Salons: everything the API can do with them, by the same functions and rules. */
export function salonsResource(deps: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(deps.db, {
    table: 'salons',
    columns: [
      { name: 'id' },
      { name: 'name', editable: true, required: true, contains: contains('name') },
      { name: 'slug', editable: true },
      { name: 'city', editable: true, required: true, contains: contains('city') },
      { name: 'description', type: 'textarea', editable: true },
      { name: 'address', editable: true },
      { name: 'phone', editable: true },
      { name: 'published', type: 'boolean', editable: true },
      { name: 'created_at', type: 'datetime' },
      { name: 'updated_at', type: 'datetime' },
    ],
    parse: parseSalon,
    insert: insertSalon,
    remove: (trx, id) => removeSalon(trx, id, deps),
    changed: async () => deps.onChange?.('salons'),
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'MapPin' },
      sort: { sortBy: 'id', direction: 'desc' },
      listProperties: ['name', 'slug', 'city', 'published', 'updated_at'],
      filterProperties: ['name', 'slug', 'city', 'published', 'created_at'],
      editProperties: FIELDS,
      showProperties: [...FIELDS, 'photos', 'created_at', 'updated_at'],
      // No column: the salon's photos, with a place to drop more (assets/src/salon-photos.js).
      properties: { photos: { components: { show: 'SalonPhotos' } } },
    },
  };
}
