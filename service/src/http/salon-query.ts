import { z } from 'zod';
import { decodeCursor } from '../db/cursor.ts';
import { line } from '../schemas/text.ts';

/** What the list of salons may be asked for. */
export const salonQuery = z.strictObject({
  city: line(100).optional().describe('Only salons of this city'),
  q: line(100)
    .optional()
    .describe('Words of the name, the city or the description. Signs alone are no word: nothing is found'),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number')
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .optional()
    .describe('How many on a page, 1 to 100; without it 20'),
  cursor: z
    .string()
    .transform((value) => decodeCursor(value))
    .refine((beforeId) => beforeId !== undefined, 'must be a nextCursor of this list')
    .optional()
    .describe('nextCursor of the page before'),
});
