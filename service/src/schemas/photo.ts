import { z } from 'zod';
import { id, line, time } from './text.ts';

/** What an upload may say of its photo. */
export const photoFields = z.strictObject({ alt: line(300).optional() });

/** A change: what is left out stays. `position` counts from 1; the photos behind it move on. */
export const photoChanges = z
  .strictObject({ alt: line(300).nullable(), position: z.int().min(1).max(10_000) })
  .partial();

export const photoState = z.enum(['uploaded', 'ready', 'failed']);

const pixels = z.int().min(1);

/** A photo as the API shows it: width and height as displayed, in pixels. */
export const photo = z.strictObject({
  id,
  state: photoState,
  alt: z.string().nullable(),
  position: z.int(),
  width: pixels,
  height: pixels,
  contentType: z.string(),
  bytes: z.int(),
  error: z.string().nullable(),
  createdAt: time,
  variants: z.array(
    z.strictObject({
      width: pixels,
      height: pixels,
      bytes: z.int(),
      type: z.literal('image/webp'),
      url: z.string(),
    }),
  ),
});

export const photoList = z.strictObject({ items: z.array(photo) });

export type PhotoState = z.infer<typeof photoState>;
export type PhotoChanges = z.infer<typeof photoChanges>;
export type PhotoView = z.infer<typeof photo>;
