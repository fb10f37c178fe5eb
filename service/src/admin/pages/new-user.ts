import { escapeHtml } from './html.ts';
import { alarm, options } from './parts.ts';
import { page } from './theme.ts';

const ROLES = { editor: 'Editor: salons and photos', admin: 'Administrator: everything' };

/** The form for a new account; `problem` is what went wrong with the last try. */
export function newUserForm(form: {
  nonce: string;
  email?: string;
  role?: string;
  problem?: string;
}): string {
  const { alert, state } = alarm(form.problem);
  return page({
    title: 'New user',
    nonce: form.nonce,
    content: `<h1>New user</h1>
${alert}<form method="post" action="/admin/users/new">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="off" inputmode="email" spellcheck="false"
  maxlength="254" required autofocus value="${escapeHtml(form.email ?? '')}"${state}>
<label for="role">May change</label>
<select id="role" name="role">${options(ROLES, form.role ?? 'editor')}</select>
<button type="submit">Create user</button>
</form>
<p class="quiet">The password is generated and shown once. <a href="/admin/resources/admins">Back to the users</a></p>`,
  });
}
