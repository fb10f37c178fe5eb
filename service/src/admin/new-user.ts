import type { Knex } from 'knex';
import type { Context } from 'koa';
import { z } from 'zod';
import { ADMIN_ROLES, createAdmin } from '../db/admins.ts';
import { recordAudit } from '../db/audit.ts';
import { type Actor, audited } from './actor.ts';
import { createNonce, sendPage } from './headers.ts';
import { methodNotAllowed } from './login.ts';
import { newUserForm } from './pages/new-user.ts';
import { shownOncePage } from './pages/shown-once.ts';
import { generatePassword, hashPassword } from './password.ts';
import { readForm } from './read-form.ts';

const newUser = z.object({
  email: z.string().trim().toLowerCase().max(254).pipe(z.email()),
  role: z.enum(ADMIN_ROLES),
});

/** Makes the account with its audit entry, both or neither. False: the e-mail is taken. */
async function create(
  db: Knex,
  actor: Actor,
  user: z.infer<typeof newUser>,
  passwordHash: string,
): Promise<boolean> {
  return db.transaction(async (trx) => {
    const row = await createAdmin(trx, { ...user, passwordHash });
    if (!row) return false;
    const entry = { action: 'create', resource: 'admins', recordId: row.id, after: user };
    await recordAudit(trx, { ...audited(actor), ...entry });
    return true;
  });
}

/** /admin/users/new: makes an account with a password nobody has to think up; the answer shows it once. */
export function newUserPage(db: Knex): (ctx: Context, actor: Actor) => Promise<void> {
  function show(
    ctx: Context,
    status: number,
    form: { email?: string; role?: string; problem?: string },
  ): void {
    const nonce = createNonce();
    ctx.status = status;
    sendPage(ctx, newUserForm({ nonce, ...form }), nonce);
  }

  async function take(ctx: Context, actor: Actor): Promise<void> {
    const form = await readForm(ctx);
    const typed = { email: String(form.email ?? '').slice(0, 254), role: String(form.role ?? '') };
    const user = newUser.safeParse(typed).data;
    if (!user) return show(ctx, 422, { ...typed, problem: 'This is not an e-mail address.' });
    const password = generatePassword();
    if (!(await create(db, actor, user, await hashPassword(password)))) {
      return show(ctx, 409, { ...typed, problem: 'There is an account with this e-mail already.' });
    }
    const nonce = createNonce();
    ctx.status = 201;
    const what = { title: 'User created', secret: password, back: '/admin/resources/admins' };
    const words = `${user.email} may log in with this password. It is shown only now; it can be changed after the login.`;
    sendPage(ctx, shownOncePage({ nonce, ...what, words }), nonce);
  }

  return async (ctx, actor) => {
    if (ctx.method === 'POST') return take(ctx, actor);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return methodNotAllowed(ctx, 'GET, HEAD, POST');
    show(ctx, 200, {});
  };
}
