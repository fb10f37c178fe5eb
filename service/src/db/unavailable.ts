// https://www.postgresql.org/docs/current/errcodes-appendix.html: class 08 connections, 57P0x shutting down or
// starting up, 53300 too many connections.
const SQL_STATE = /^(08|57P0|53300)/;
const SYSTEM_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN']);
// What pg and knex throw without a code: a connection lost in the middle, perhaps with knex's "<the statement> - "
// before it, and none to be had.
const MESSAGES =
  /^Knex: Timeout acquiring a connection|(?:^| - )(?:Connection terminated[ \w]*|timeout expired)$/;

/** Whether a query failed because the database was away, and not because of what was asked: it will be back. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message } = error as Error & { code?: unknown };
  if (typeof code === 'string' && (SQL_STATE.test(code) || SYSTEM_CODES.has(code))) return true;
  return MESSAGES.test(message) || (error instanceof AggregateError && error.errors.some(isUnavailable));
}
