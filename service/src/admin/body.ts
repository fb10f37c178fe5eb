import type { Context } from 'koa';

/** More than any form of the panel sends. */
export const PANEL_BODY_MAX_BYTES = 256 * 1024;

/**
 * Refuses bodies the form parser of @adminjs/koa would take without a limit (JSON) or write to disk
 * (octet-stream), before it reads a byte.
 */
export function assertFormBody(ctx: Context): void {
  if (ctx.get('transfer-encoding')) ctx.throw(411, 'Send the form with its Content-Length');
  const length = ctx.request.length ?? 0;
  if (length === 0) return;
  if (length > PANEL_BODY_MAX_BYTES) ctx.throw(413, 'The form is too large');
  if (!ctx.is('multipart/form-data', 'application/x-www-form-urlencoded', 'application/json')) {
    ctx.throw(415, 'The panel takes forms and JSON');
  }
}
