import type { z } from 'zod';
import { Problem } from './problem.ts';

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
