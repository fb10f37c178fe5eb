import { PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH } from '../password.ts';
import { escapeHtml } from './html.ts';
import { alarm } from './parts.ts';
import { page } from './theme.ts';

/** The form for one's own new password; what was typed is never sent back. */
export function passwordForm(form: { nonce: string; email: string; problem?: string }): string {
  const { alert, state } = alarm(form.problem);
  const wanted = `type="password" autocomplete="new-password" required minlength="${PASSWORD_MIN_LENGTH}" maxlength="${PASSWORD_MAX_LENGTH}"`;
  return page({
    title: 'Change password',
    nonce: form.nonce,
    content: `<h1>Change password</h1>
${alert}<form method="post" action="/admin/password">
<input type="email" name="email" autocomplete="username" value="${escapeHtml(form.email)}" hidden>
<label for="current">Current password</label>
<input id="current" name="current" type="password" autocomplete="current-password"
  maxlength="${PASSWORD_MAX_LENGTH}" required autofocus${state}>
<label for="new">New password, ${PASSWORD_MIN_LENGTH} characters or more</label>
<input id="new" name="new" ${wanted}${state}>
<label for="again">New password again</label>
<input id="again" name="again" ${wanted}${state}>
<button type="submit">Change password</button>
</form>
<p class="quiet">Your other sessions end. <a href="/admin">Back to the panel</a></p>`,
  });
}

/** Says that it is done. */
export function passwordChangedPage(nonce: string): string {
  return page({
    title: 'Password changed',
    nonce,
    content: `<h1>Password changed</h1>
<p>The new password holds from now on. Every other session of yours is logged out.</p>
<a class="action" href="/admin">Back to the panel</a>`,
  });
}
