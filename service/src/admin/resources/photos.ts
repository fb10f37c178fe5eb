import { type ActionContext, type ActionRequest, NotFoundError, type ResourceWithOptions } from 'adminjs';
import type { Knex } from 'knex';
import { deletePhoto, lockSalonOf, updatePhoto, type Variant } from '../../db/photos.ts';
import { type PhotoChanges, photoChanges } from '../../schemas/photo.ts';
import { TableResource } from '../adapter/resource.ts';
import type { Afterwards } from '../adapter/table.ts';
import { retryPhoto } from '../retry.ts';
import { emptyAsNull, parseForm } from './form.ts';
import type { ResourceDeps } from './index.ts';

/** By the API's own function: a photo that takes a place moves those behind it. */
async function savePhoto(trx: Knex, id: string, changes: PhotoChanges): Promise<void> {
  if (!(await updatePhoto(trx, Number(id), changes)))
    throw new NotFoundError('This photo no longer exists.', 'Action#handler');
}

async function removePhoto(trx: Knex, id: string, { removeFiles }: ResourceDeps): Promise<Afterwards> {
  const files = await deletePhoto(trx, Number(id));
  if (!files) throw new NotFoundError('This photo no longer exists.', 'Action#handler');
  return () => removeFiles?.([files]) ?? Promise.resolve();
}

/** Adds the addresses of the smallest and the largest variant; a photo that is not ready has none. */
function withPictures({ mediaUrl = (key) => `/media/${key}` }: ResourceDeps, row: Record<string, unknown>) {
  const { variants, ...shown } = row;
  const bySize = [...((variants ?? []) as Variant[])].sort((one, other) => one.width - other.width);
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  if (shown.state !== 'ready' || !smallest || !largest) return shown;
  return { ...shown, thumbnail: mediaUrl(smallest.key), picture: mediaUrl(largest.key) };
}

/** Has a photo that was given up prepared again. Changes something, so never on a GET. */
async function tryAgain(
  deps: ResourceDeps,
  { method }: ActionRequest,
  { record, currentAdmin }: ActionContext,
) {
  if (!record) throw new NotFoundError('This photo no longer exists.', 'Action#handler');
  if (method !== 'post') return { record: record.toJSON(currentAdmin) };
  const { started, message } = await retryPhoto(deps, Number(record.id()));
  const current = (await record.resource.findOne(record.id())) ?? record;
  return {
    record: current.toJSON(currentAdmin),
    notice: { type: started ? 'success' : 'info', message },
  };
}

/**
 * Photos: to look at, describe, put in order and delete. New ones are uploaded on their salon's page, see
 * uploads.ts.
 */
export function photosResource(deps: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(deps.db, {
    table: 'photos',
    columns: [
      { name: 'id' },
      { name: 'salon_id', type: 'reference', reference: 'salons' },
      { name: 'state', values: ['uploaded', 'ready', 'failed'] },
      { name: 'alt', editable: true },
      { name: 'position', type: 'number', editable: true },
      { name: 'width', type: 'number' },
      { name: 'height', type: 'number' },
      { name: 'bytes', type: 'number' },
      { name: 'error' },
      { name: 'created_at', type: 'datetime' },
      { name: 'variants', sortable: false, filterable: false },
    ],
    present: (row) => withPictures(deps, row),
    parse: (form) => parseForm(photoChanges, emptyAsNull(form)),
    lock: (trx, id) => lockSalonOf(trx, Number(id)),
    update: savePhoto,
    remove: (trx, id) => removePhoto(trx, id, deps),
    changed: async () => deps.onChange?.('photos'),
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'Image' },
      sort: { sortBy: 'id', direction: 'desc' },
      listProperties: ['photo', 'salon_id', 'state', 'alt', 'position', 'created_at'],
      filterProperties: ['salon_id', 'state', 'created_at'],
      editProperties: ['photo', 'alt', 'position'],
      showProperties: [
        'photo',
        'salon_id',
        'state',
        'alt',
        'position',
        'width',
        'height',
        'bytes',
        'created_at',
      ],
      properties: {
        // No column: the picture itself, or what stands in its place.
        photo: {
          isSortable: false,
          components: { list: 'PhotoThumbnail', show: 'PhotoPicture', edit: 'PhotoThumbnail' },
        },
        bytes: { components: { show: 'Bytes' } },
      },
      actions: {
        new: { isAccessible: false, isVisible: false },
        tryAgain: {
          actionType: 'record',
          isVisible: false,
          component: false,
          handler: (request, _response, context) => tryAgain(deps, request, context),
        },
      },
    },
  };
}
