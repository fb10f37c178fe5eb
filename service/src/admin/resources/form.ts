import { ValidationError } from 'adminjs';
import type { z } from 'zod';

/**
 * What a schema makes of a form's fields. What it refuses is said on the fields.
 * @throws {ValidationError}
 */
export function parseForm<T>(schema: z.ZodType<T>, form: Record<string, unknown>): T {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, code, message }) => [
    String(path[0]),
    // The form has a fitting control for every field: a value of the wrong type is one that is missing.
    { type: code, message: code === 'invalid_type' ? 'is required' : message },
  ]);
  // The first issue of a field says most, so it must be written last.
  throw new ValidationError(Object.fromEntries(errors.reverse()));
}

/** Forms send an empty string where nothing was typed; nothing is null here. */
export function emptyAsNull(form: Record<string, unknown>): Record<string, unknown> {
  const isEmpty = (value: unknown) => typeof value === 'string' && value.trim() === '';
  return Object.fromEntries(
    Object.entries(form).map(([name, value]) => [name, isEmpty(value) ? null : value]),
  );
}
