import { hash } from 'node:crypto';
import type { Context } from 'koa';

/** Answers 200 with text that is JSON already and its ETag, or 304 when the client has that. For GET and HEAD. */
export function sendJson(ctx: Context, json: string | Buffer): void {
  ctx.status = 200;
  ctx.set('ETag', `"${hash('sha1', json, 'base64url')}"`);
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.body = json;
}
