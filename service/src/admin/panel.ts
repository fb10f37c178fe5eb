import type { Knex } from 'knex';
import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { PhotoFiles } from '../db/photos.ts';
import type { Panel } from './adminjs.ts';
import { ASSETS } from './asset-list.ts';
import { ASSET_PREFIX, panelAssets } from './assets.ts';
import { enter } from './guard.ts';
import { createNonce, sendPage, setCommonHeaders } from './headers.ts';
import { LOGIN_PATH, login, methodNotAllowed } from './login.ts';
import { LOGOUT_PATH, logout } from './logout.ts';
import { sessions as createSessions } from './session.ts';
import { rewriteShell } from './shell.ts';
import { loginThrottle } from './throttle.ts';

export interface AdminPanelDeps {
  db: Knex;
  log: Logger;
  /** Keys the session and throttle hashes; a new one logs everybody out. */
  sessionSecret: string;
  /** False only in development over plain http; then the cookie is weaker where there is no TLS. */
  secureCookies?: boolean;
  /** Called with the resource's name after the panel changed it, before the answer: caches start over. */
  onChange?: (resource: string) => Promise<void>;
  /** Removes the files of photos that were deleted through the panel, once their rows are gone. */
  removeFiles?: (files: PhotoFiles[]) => Promise<void>;
}

/**
 * The admin panel, for every path under /admin; other paths go on to the next middleware.
 *
 * Order: files that anyone may have, login, logout, then the guard, and AdminJS behind it. AdminJS is
 * loaded when the first logged-in person asks for it, so that the api starts without its second.
 */
export function adminPanel(deps: AdminPanelDeps): Middleware {
  const { db, log, sessionSecret, secureCookies = true } = deps;
  const assets = panelAssets();
  const sessions = createSessions(db, sessionSecret, { secureCookies });
  const handleLogin = login({ db, log, sessions, throttle: loginThrottle(db, sessionSecret) });
  const handleLogout = logout(sessions);
  let loading: Promise<Panel> | undefined;

  async function load(): Promise<Panel> {
    const startedAt = performance.now();
    const { createPanel } = await import('./adminjs.ts');
    const panel = createPanel({ db, onChange: deps.onChange, removeFiles: deps.removeFiles });
    log.info({ ms: Math.round(performance.now() - startedAt) }, 'admin panel loaded');
    return panel;
  }

  function panel(): Promise<Panel> {
    // A failed load is forgotten, or one bad moment would last until the next restart.
    loading ??= load().catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  }

  async function handleAdminJS(ctx: Context): Promise<void> {
    const owner = await enter(ctx, sessions);
    if (!owner) return;
    await (await panel()).handle(ctx, { id: owner.adminId, email: owner.email });
    if (typeof ctx.body !== 'string') return;
    const nonce = createNonce();
    const names = Object.keys(ASSETS);
    const assetUrls = new Map(
      await Promise.all(names.map(async (name) => [name, await assets.url(name)] as const)),
    );
    sendPage(ctx, rewriteShell(ctx.body, { nonce, assetUrls }), nonce);
  }

  return async (ctx, next) => {
    if (ctx.path !== '/admin' && !ctx.path.startsWith('/admin/')) return next();
    setCommonHeaders(ctx);
    const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (ctx.path.startsWith(ASSET_PREFIX)) {
      return isRead ? assets.send(ctx) : methodNotAllowed(ctx, 'GET, HEAD');
    }
    if (ctx.path === LOGIN_PATH) return handleLogin(ctx);
    if (ctx.path === LOGOUT_PATH) return handleLogout(ctx);
    return handleAdminJS(ctx);
  };
}
