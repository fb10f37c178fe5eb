import type { Knex } from 'knex';
import type { Context } from 'koa';
import { z } from 'zod';
import { recordAudit } from '../db/audit.ts';
import { DEFAULT_TOKEN_DAYS, insertToken, newToken, TOKEN_SCOPES } from '../db/tokens.ts';
import { type Actor, audited } from './actor.ts';
import { createNonce, sendPage } from './headers.ts';
import { methodNotAllowed } from './login.ts';
import { newTokenForm, type TokenForm } from './pages/new-token.ts';
import { shownOncePage } from './pages/shown-once.ts';
import { readForm } from './read-form.ts';

// What the command line takes, too (token.ts).
const tokenFields = z.object({
  name: z
    .string()
    .trim()
    .regex(/^[\p{L}\p{N} ._@-]{1,100}$/u, 'A name is 1 to 100 letters, digits, spaces and ._@-'),
  scope: z.enum(TOKEN_SCOPES),
  days: z
    .string()
    .regex(/^\d{1,5}$/, 'Days are a whole number; 0 never expires')
    .transform(Number)
    .pipe(z.int().max(36_500, 'At most 36500 days; 0 never expires')),
});

/** /admin/tokens/new: makes an API token; the answer shows it once. */
export function newTokenPage(db: Knex): (ctx: Context, actor: Actor) => Promise<void> {
  function show(ctx: Context, status: number, form: TokenForm): void {
    const nonce = createNonce();
    ctx.status = status;
    sendPage(ctx, newTokenForm({ nonce, ...form }), nonce);
  }

  async function create(actor: Actor, { name, scope, days }: z.infer<typeof tokenFields>): Promise<string> {
    const token = newToken();
    await db.transaction(async (trx) => {
      const recordId = await insertToken(trx, name, token, { scope, days });
      const after = { name, scope, days };
      await recordAudit(trx, {
        ...audited(actor),
        action: 'create',
        resource: 'api_tokens',
        recordId,
        after,
      });
    });
    return token;
  }

  async function take(ctx: Context, actor: Actor): Promise<void> {
    const { name, scope, days } = await readForm(ctx);
    const typed = { name: String(name ?? '').slice(0, 100), scope: String(scope), days: String(days ?? '') };
    const fields = tokenFields.safeParse(typed);
    if (!fields.success) {
      return show(ctx, 422, { ...typed, problem: fields.error.issues[0]?.message ?? '' });
    }
    const nonce = createNonce();
    const what = {
      title: 'Token created',
      secret: await create(actor, fields.data),
      back: '/admin/resources/api_tokens',
    };
    ctx.status = 201;
    const words = `This is the token “${fields.data.name}”. It is shown only now; only a hash of it is kept.`;
    sendPage(ctx, shownOncePage({ nonce, ...what, words }), nonce);
  }

  return async (ctx, actor) => {
    if (ctx.method === 'POST') return take(ctx, actor);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return methodNotAllowed(ctx, 'GET, HEAD, POST');
    show(ctx, 200, { name: '', scope: 'write', days: String(DEFAULT_TOKEN_DAYS) });
  };
}
