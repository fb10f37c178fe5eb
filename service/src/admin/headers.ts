import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';

/** Sets what every answer of the panel carries, files included. */
export function setCommonHeaders(ctx: Context): void {
  ctx.set({
    'Cache-Control': 'no-store',
    // Files that are not pages load and run nothing; pages replace this with their own policy.
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    // Not no-referrer: that makes browsers send `Origin: null`, which the CSRF check refuses.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'X-Robots-Tag': 'noindex, nofollow',
  });
}

/** A value for one answer's `nonce` attributes. */
export function createNonce(): string {
  return randomBytes(16).toString('base64');
}

/**
 * Sends a page under a strict policy: only scripts and styles with this nonce run, and nothing but this
 * host is asked for anything, but for pictures `mediaOrigin` too.
 */
export function sendPage(ctx: Context, html: string, nonce: string, mediaOrigin?: string): void {
  ctx.set(
    'Content-Security-Policy',
    [
      "default-src 'none'",
      `script-src 'self' 'nonce-${nonce}'`,
      `style-src 'self' 'nonce-${nonce}'`,
      `img-src 'self' data:${mediaOrigin ? ` ${mediaOrigin}` : ''}`,
      "font-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  );
  ctx.type = 'html';
  ctx.body = html;
}
