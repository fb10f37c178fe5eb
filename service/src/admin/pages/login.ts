import { escapeHtml } from './html.ts';
import { page } from './theme.ts';

/** The login page; `problem` is what went wrong with the last try, `email` what was typed. */
export function loginPage(options: { nonce: string; email?: string; problem?: string }): string {
  const { nonce, email = '', problem } = options;
  // The alert names itself to screen readers, and the fields point at it.
  const alarm = problem ? `<p class="alarm" id="problem" role="alert">${escapeHtml(problem)}</p>` : '';
  const state = problem ? ' aria-invalid="true" aria-describedby="problem"' : '';
  const [emailFocus, passwordFocus] = email ? ['', ' autofocus'] : [' autofocus', ''];
  return page({
    title: 'Log in',
    nonce,
    content: `<h1>Log in</h1>
${alarm}<form method="post" action="/admin/login">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" inputmode="email" spellcheck="false"
  maxlength="254" required value="${escapeHtml(email)}"${state}${emailFocus}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
  maxlength="200" required${state}${passwordFocus}>
<button type="submit">Log in</button>
</form>
<p class="quiet">No account, or a lost password? Ask whoever runs this server.</p>`,
  });
}
