import { z } from 'zod';

/** An error: https://www.rfc-editor.org/rfc/rfc9457. `errors` names each field that is wrong. */
export const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  requestId: z.string().optional(),
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
});
