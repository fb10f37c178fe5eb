import { NotFoundError, type ResourceWithOptions } from 'adminjs';
import { deletePhoto } from '../../db/photos.ts';
import { photoFields } from '../../http/schemas.ts';
import { TableResource } from '../adapter/resource.ts';
import { emptyAsNull, parseForm } from './form.ts';
import type { ResourceDeps } from './index.ts';

// What an upload may say of a photo, and here "nothing" too.
const altForm = photoFields.extend({ alt: photoFields.shape.alt.nullable() });

async function removePhoto({ db, removeFiles }: ResourceDeps, id: string): Promise<void> {
  const files = await deletePhoto(db, Number(id));
  if (!files) throw new NotFoundError('This photo no longer exists.', 'Action#handler');
  await removeFiles?.([files]);
}

/**
 * Photos: to look through, describe and delete. New ones come in through the API, which makes the file
 * durable before the row.
 */
export function photosResource(deps: ResourceDeps): ResourceWithOptions {
  const resource = new TableResource(deps.db, {
    table: 'photos',
    columns: [
      { name: 'id' },
      { name: 'salon_id', type: 'reference', reference: 'salons' },
      { name: 'state', values: ['uploaded', 'ready', 'failed'] },
      { name: 'alt', editable: true },
      { name: 'width', type: 'number' },
      { name: 'height', type: 'number' },
      { name: 'bytes', type: 'number' },
      { name: 'error' },
      { name: 'created_at', type: 'datetime' },
    ],
    parse: (form) => parseForm(altForm, emptyAsNull(form)),
    remove: (id) => removePhoto(deps, id),
    changed: async () => deps.onChange?.('photos'),
  });
  return {
    resource,
    options: {
      navigation: { name: null, icon: 'Image' },
      sort: { sortBy: 'id', direction: 'desc' },
      listProperties: ['id', 'salon_id', 'state', 'alt', 'width', 'height', 'created_at'],
      filterProperties: ['salon_id', 'state', 'created_at'],
      editProperties: ['alt'],
      showProperties: ['id', 'salon_id', 'state', 'alt', 'width', 'height', 'bytes', 'error', 'created_at'],
      actions: { new: { isAccessible: false, isVisible: false } },
    },
  };
}
