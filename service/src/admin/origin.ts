import type { Context } from 'koa';

/**
 * Whether a request that changes something comes from a page of this very site.
 *
 * Browsers state it in Sec-Fetch-Site, which no page can forge; older ones send Origin. A request with
 * neither is refused: nothing that belongs in the panel sends none.
 * https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isSameOrigin(ctx: Context): boolean {
  const site = ctx.get('sec-fetch-site');
  if (site) return site === 'same-origin';
  // Not ctx.origin: since koa 3 that is the request's own Origin header, which would be equal to itself.
  return ctx.get('origin') === `${ctx.protocol}://${ctx.host}`;
}
