import { ValidationError } from 'adminjs';
import type { TableSpec } from './table.ts';

interface DatabaseError {
  code: string;
  detail?: string;
}

const isDatabaseError = (error: unknown): error is DatabaseError =>
  error instanceof Error && typeof (error as { code?: unknown }).code === 'string';

/**
 * What Postgres refused, said on the field that caused it. Anything that is not the visitor's to
 * correct is thrown on as it came.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function asValidationError(error: unknown, spec: TableSpec): unknown {
  if (!isDatabaseError(error)) return error;
  const named = /^Key \((\w+)\)/.exec(error.detail ?? '')?.[1];
  const column = spec.columns.find((one) => one.name === named);
  if (error.code === '23505' && column) {
    return new ValidationError({ [column.name]: { type: 'unique', message: 'is taken already' } });
  }
  if (error.code === '23503') {
    return new ValidationError({}, { type: 'reference', message: 'Something else still refers to this.' });
  }
  if (error.code === '23514' || error.code === '22001' || error.code === '22021') {
    return new ValidationError({}, { type: 'refused', message: 'The database refuses one of these values.' });
  }
  return error;
}
