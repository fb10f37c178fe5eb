import { escapeHtml } from './html.ts';
import { alarm, options } from './parts.ts';
import { page } from './theme.ts';

const SCOPES = { read: 'Read: see everything', write: 'Write: see and change everything' };

/** What was typed, and what is wrong with it. */
export interface TokenForm {
  name: string;
  scope: string;
  days: string;
  problem?: string;
}

/** The form for a new API token. */
export function newTokenForm({ nonce, name, scope, days, problem }: TokenForm & { nonce: string }): string {
  const { alert, state } = alarm(problem);
  return page({
    title: 'New API token',
    nonce,
    content: `<h1>New API token</h1>
${alert}<form method="post" action="/admin/tokens/new">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="off" maxlength="100" required autofocus value="${escapeHtml(name)}"${state}>
<label for="scope">It may</label>
<select id="scope" name="scope">${options(SCOPES, scope)}</select>
<label for="days">Days until it expires (0: never)</label>
<input id="days" name="days" type="number" min="0" max="36500" required value="${escapeHtml(days)}"${state}>
<button type="submit">Create token</button>
</form>
<p class="quiet">The token is shown once. <a href="/admin/resources/api_tokens">Back to the tokens</a></p>`,
  });
}
