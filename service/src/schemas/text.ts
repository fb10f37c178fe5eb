import { z } from 'zod';
import { slugify } from '../slug.ts';

// PostgreSQL's text cannot hold NUL, and no name needs a control character; line breaks belong in descriptions.

/** 1 to `max` characters without a line break, trimmed. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}*$/u, 'must be one line of text');

/** Up to `max` characters, trimmed. */
export const text = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^(?:\P{Cc}|[\n\r\t])*$/u, 'must not contain control characters');

/** What slugify makes, and nothing else. */
export const slug = z
  .string()
  .min(1)
  .max(80)
  .refine((value) => slugify(value) === value, {
    error: (issue) =>
      `must be lower-case letters, digits and single dashes, such as "${slugify(String(issue.input))}"`,
  });

/** An id of the database. */
export const id = z.int().min(1);

/** A time as the API shows it. */
export const time = z.iso.datetime();
