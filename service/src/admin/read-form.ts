import type { Context, Next } from 'koa';
import { koaBody } from 'koa-body';

const parse = koaBody({ urlencoded: true, json: false, text: false, multipart: false, formLimit: '4kb' });
const noop: Next = async () => {};

/** The fields of a form of one of our own pages. @throws 413 over 4 kB. */
export async function readForm(ctx: Context): Promise<Record<string, unknown>> {
  await parse(ctx as never, noop);
  return (ctx.request.body ?? {}) as Record<string, unknown>;
}
