import { escapeHtml } from './html.ts';
import { page } from './theme.ts';

/** Shows a secret that is kept nowhere: to be copied now. The page is never stored (headers.ts: no-store). */
export function shownOncePage(options: {
  nonce: string;
  title: string;
  words: string;
  secret: string;
  back: string;
}): string {
  return page({
    title: options.title,
    nonce: options.nonce,
    content: `<h1>${escapeHtml(options.title)}</h1>
<p>${escapeHtml(options.words)}</p>
<code class="secret" id="secret">${escapeHtml(options.secret)}</code>
<a class="action" href="${escapeHtml(options.back)}">I have kept it</a>`,
  });
}
