import { z } from 'zod';
import { photo, photoChanges, photoFields, photoList } from '../../schemas/photo.ts';
import { problem } from '../../schemas/problem.ts';
import { newSalon, salon, salonChanges, salonPage } from '../../schemas/salon.ts';
import { salonQuery } from '../salon-query.ts';

/** The schemas that the document names, by their names in it. */
export const models = {
  Salon: salon,
  SalonPage: salonPage,
  NewSalon: newSalon,
  SalonChanges: salonChanges,
  Photo: photo,
  PhotoList: photoList,
  PhotoChanges: photoChanges,
  PhotoUpload: photoFields.extend({ photo: z.file() }),
  Problem: problem,
};

export type ModelName = keyof typeof models;

/** One thing that the API does, as the document tells it. */
export interface Operation {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With parameters as the router writes them. */
  path: string;
  summary: string;
  /** Needs a token; the others show more to whoever has one. */
  token?: true;
  query?: z.ZodObject;
  body?: { type: string; model: ModelName };
  success: { status: number; model?: ModelName };
  /** What may go wrong beside what may go wrong anywhere. */
  problems: number[];
}

const json = (model: ModelName) => ({ type: 'application/json', model });
const ONE_SALON = '/api/salons/:slug';
const ITS_PHOTOS = '/api/salons/:slug/photos';
const ONE_PHOTO = '/api/photos/:id';

/** Everything under /api, in the order in which it is shown. A test holds it against the router's own list. */
export const operations: Operation[] = [
  {
    ...{ method: 'get', path: '/api/salons', summary: 'Salons, newest first, a page at a time' },
    ...{ query: salonQuery, success: { status: 200, model: 'SalonPage' }, problems: [422] },
  },
  {
    ...{ method: 'post', path: '/api/salons', summary: 'Add a salon', token: true, body: json('NewSalon') },
    ...{ success: { status: 201, model: 'Salon' }, problems: [400, 409, 413, 415, 422] },
  },
  {
    ...{ method: 'get', path: ONE_SALON, summary: 'One salon' },
    ...{ success: { status: 200, model: 'Salon' }, problems: [404] },
  },
  {
    ...{
      method: 'patch',
      path: ONE_SALON,
      summary: 'Change a salon',
      token: true,
      body: json('SalonChanges'),
    },
    ...{ success: { status: 200, model: 'Salon' }, problems: [400, 404, 409, 413, 415, 422] },
  },
  {
    ...{ method: 'delete', path: ONE_SALON, summary: 'Delete a salon with its photos', token: true },
    ...{ success: { status: 204 }, problems: [404] },
  },
  {
    ...{ method: 'get', path: ITS_PHOTOS, summary: 'The photos of a salon in their order' },
    ...{ success: { status: 200, model: 'PhotoList' }, problems: [404] },
  },
  {
    ...{ method: 'post', path: ITS_PHOTOS, summary: 'Add a photo; its variants follow', token: true },
    body: { type: 'multipart/form-data', model: 'PhotoUpload' },
    ...{ success: { status: 201, model: 'Photo' }, problems: [400, 404, 413, 415, 422] },
  },
  {
    ...{ method: 'get', path: ONE_PHOTO, summary: 'One photo' },
    ...{ success: { status: 200, model: 'Photo' }, problems: [404] },
  },
  {
    ...{ method: 'patch', path: ONE_PHOTO, summary: 'Describe or move a photo', token: true },
    ...{ body: json('PhotoChanges'), success: { status: 200, model: 'Photo' } },
    problems: [400, 404, 413, 415, 422],
  },
  {
    ...{ method: 'delete', path: ONE_PHOTO, summary: 'Delete a photo with its files', token: true },
    ...{ success: { status: 204 }, problems: [404] },
  },
];
