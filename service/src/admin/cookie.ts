import type { Context } from 'koa';

/**
 * The name carries the rule: browsers take a `__Host-` cookie only over TLS, for this host alone and
 * the whole path, so neither a subdomain nor plain http can plant one.
 */
const SECURE_NAME = '__Host-atlas';
/** Development over http only, see `secureCookies` in panel.ts. */
const PLAIN_NAME = 'atlas-session';

export interface CookieRules {
  secureCookies: boolean;
}

const isSecure = (ctx: Context, rules: CookieRules) => rules.secureCookies || ctx.secure;

/** The session id the browser sent, if any. */
export function readSessionCookie(ctx: Context, rules: CookieRules): string | undefined {
  return ctx.cookies.get(isSecure(ctx, rules) ? SECURE_NAME : PLAIN_NAME, { signed: false });
}

/**
 * Sets or (with undefined) removes the session cookie. Written by hand because koa's own cookie jar
 * throws when TLS ends at a proxy that forgot X-Forwarded-Proto; here the browser refuses the cookie.
 */
export function writeSessionCookie(ctx: Context, rules: CookieRules, id: string | undefined): void {
  const secure = isSecure(ctx, rules);
  const life = id === undefined ? '; Max-Age=0' : '';
  const flags = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${life}`;
  ctx.append('Set-Cookie', `${secure ? SECURE_NAME : PLAIN_NAME}=${id ?? ''}; ${flags}`);
}
