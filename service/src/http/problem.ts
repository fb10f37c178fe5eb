import { STATUS_CODES } from 'node:http';

/** One thing that is wrong with what the client sent; `field` is its path, such as `name` or `photo`. */
export interface FieldError {
  field: string;
  message: string;
}

/** An answer of RFC 9457: thrown anywhere below the error middleware, it becomes application/problem+json. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  /** @param detail says to the client what is wrong and what would be right. */
  constructor(
    status: number,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** A 422 for one field. */
export function invalid(field: string, message: string): Problem {
  return new Problem(422, `${field}: ${message}`, { errors: [{ field, message }] });
}

/** The body of a problem answer. */
export function problemBody(
  status: number,
  detail?: string,
  requestId?: string,
  errors?: FieldError[],
): string {
  const title = STATUS_CODES[status] ?? 'Error';
  return JSON.stringify({ type: 'about:blank', title, status, detail, requestId, errors });
}
