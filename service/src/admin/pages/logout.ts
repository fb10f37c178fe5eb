import { page } from './theme.ts';

/**
 * Asks before it ends a session, because ending one takes a POST. `atOnce` sends the form by itself: for
 * the panel's own log-out entry, which can only open a URL.
 */
export function logoutPage(options: { nonce: string; atOnce: boolean }): string {
  const script = options.atOnce
    ? `<script nonce="${options.nonce}">document.forms[0].submit();</script>`
    : '';
  return page({
    title: 'Log out',
    nonce: options.nonce,
    content: `<h1>Log out?</h1>
<form method="post" action="/admin/logout"><button type="submit">Log out</button></form>
<p class="quiet"><a href="/admin">Back to the panel</a></p>${script}`,
  });
}
