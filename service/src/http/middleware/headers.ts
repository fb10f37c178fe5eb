import type { Middleware } from 'koa';

/**
 * Headers of every answer: which release gave it, and what a browser must not do with it. While the process
 * drains, also `Connection: close`, so that keep-alive clients go elsewhere without losing a request.
 */
export function headers(release: string, isDraining: () => boolean): Middleware {
  return async (ctx, next) => {
    ctx.set({
      'X-Release': release,
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'strict-origin-when-cross-origin',
      'Cross-Origin-Opener-Policy': 'same-origin',
      // JSON and images need nothing; the admin panel sets its own.
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cache-Control': 'no-store',
    });
    try {
      await next();
    } finally {
      // Decided last: a request that waited in here while the signal came must say it too.
      if (isDraining()) ctx.set('Connection', 'close');
    }
  };
}
