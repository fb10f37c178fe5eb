import { z } from 'zod';
import { id, line, slug, text, time } from './text.ts';

const fields = {
  name: line(200),
  city: line(100),
  description: text(10_000).nullable().optional(),
  address: line(300).nullable().optional(),
  phone: line(50).nullable().optional(),
  slug: slug.optional(),
  published: z.boolean().optional(),
};

/** A new salon. Unknown fields are refused, not ignored: a misspelt `publised` must not publish. */
export const newSalon = z.strictObject(fields);

/** A change: what is left out stays. */
export const salonChanges = z.strictObject(fields).partial();

/** A salon as the API shows it. */
export const salon = z.strictObject({
  id,
  slug: z.string(),
  name: z.string(),
  city: z.string(),
  description: z.string().nullable(),
  address: z.string().nullable(),
  phone: z.string().nullable(),
  published: z.boolean(),
  createdAt: time,
  updatedAt: time,
});

/** One page of the list; `nextCursor` is null on the last one. */
export const salonPage = z.strictObject({ items: z.array(salon), nextCursor: z.string().nullable() });

export type SalonInput = z.infer<typeof newSalon>;
export type SalonChanges = z.infer<typeof salonChanges>;
export type Salon = z.infer<typeof salon>;
