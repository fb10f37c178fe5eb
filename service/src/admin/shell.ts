/** What AdminJS's page is rewritten with. */
export interface ShellOptions {
  nonce: string;
  /** Asset name -> URL with its version. */
  assetUrls: ReadonlyMap<string, string>;
}

const STATE_START = 'window.REDUX_STATE = ';
const STATE_END = 'window.THEME_COMPONENTS';

/** When a session ends under an open page, its next request answers 401: go and log in. */
const LOGIN_ON_401 = `{
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...body) {
    this.addEventListener('loadend', () => { if (this.status === 401) location.assign('/admin/login'); });
    return send.apply(this, body);
  };
}`;

/**
 * Emotion, under AdminJS's selects, makes its style elements without a nonce, and the policy would leave
 * them unstyled. Nothing is given away: a script that may call this could read the nonce anyway.
 */
const NONCE_FOR_STYLES = `{
  const create = Document.prototype.createElement;
  Document.prototype.createElement = function (name, options) {
    const element = create.call(this, name, options);
    if (element instanceof HTMLStyleElement) element.nonce = window.__webpack_nonce__;
    return element;
  };
}`;

/**
 * Makes AdminJS's page fit a strict policy: nonces on its scripts and styles, no font from elsewhere,
 * versioned assets, and a state that cannot end its own script element.
 *
 * The order matters: the state is escaped before anything gets a nonce, or a `<script` inside a salon's
 * name would get one too. A page that does not look as expected is an error, never sent as it is.
 */
export function rewriteShell(html: string, { nonce, assetUrls }: ShellOptions): string {
  const start = html.indexOf(STATE_START);
  const end = html.indexOf(STATE_END);
  if (start < 0 || end < start) throw new Error('AdminJS answered with a page of an unknown shape');
  // Inside a string of JSON \u003c is `<`, and outside of strings JSON has none.
  const state = html.slice(start, end).replaceAll('<', '\\u003c');
  const before = html.slice(0, start);
  const after = html.slice(end);

  const ours = `window.__webpack_nonce__ = ${JSON.stringify(nonce)};\n${NONCE_FOR_STYLES}\n${LOGIN_ON_401}\n`;
  let page = `${before}${ours}${state}${after}`
    .replaceAll('<script', `<script nonce="${nonce}"`)
    .replaceAll('<style', `<style nonce="${nonce}"`)
    .replace(/<link rel="stylesheet" href="https:[^>]*>/g, '');
  for (const [name, url] of assetUrls)
    page = page.replaceAll(`src="/admin/frontend/assets/${name}"`, `src="${url}"`);
  return page.trimStart();
}
