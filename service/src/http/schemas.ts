import { z } from 'zod';
import { decodeCursor } from '../db/cursor.ts';
import { slugify } from '../slug.ts';
import { Problem } from './problem.ts';

// PostgreSQL's text cannot hold NUL, and no name needs a control character; line breaks belong in descriptions.
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}*$/u, 'must be one line of text');
const text = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^(?:\P{Cc}|[\n\r\t])*$/u, 'must not contain control characters');

const slug = z
  .string()
  .min(1)
  .max(80)
  .refine((value) => slugify(value) === value, {
    error: (issue) =>
      `must be lower-case letters, digits and single dashes, such as "${slugify(String(issue.input))}"`,
  });

const salonFields = {
  name: line(200),
  city: line(100),
  description: text(10_000).nullable().optional(),
  address: line(300).nullable().optional(),
  phone: line(50).nullable().optional(),
  slug: slug.optional(),
  published: z.boolean().optional(),
};

/** Unknown fields are refused, not ignored: a misspelt `publised` must not publish. */
export const newSalon = z.strictObject(salonFields);
export const salonChanges = z.strictObject(salonFields).partial();

export const salonQuery = z.strictObject({
  city: line(100).optional(),
  q: line(100).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number')
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .optional(),
  cursor: z
    .string()
    .transform((value) => decodeCursor(value))
    .refine((id) => id !== undefined, 'must be a nextCursor of this list')
    .optional(),
});

export const photoFields = z.strictObject({ alt: line(300).optional() });

/**
 * The value in the schema's type.
 * @throws {Problem} 422 naming every failing field.
 */
export function validate<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => {
    // An unknown key is reported on its parent; the client wants to hear its name.
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((field) => ({ field, message: 'is not known' }));
    return [{ field: issue.path.join('.') || 'body', message: issue.message }];
  });
  throw new Problem(422, `not valid: ${errors.map(({ field }) => field).join(', ')}`, { errors });
}
