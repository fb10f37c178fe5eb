import type { Knex } from 'knex';
import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { OwedPhoto } from '../db/outbox.ts';
import type { PhotoFiles } from '../db/photos.ts';
import type { JobsView } from '../jobs/overview.ts';
import type { Actor } from './actor.ts';
import type { Panel } from './adminjs.ts';
import { ASSETS } from './asset-list.ts';
import { ASSET_PREFIX, panelAssets } from './assets.ts';
import { enter } from './guard.ts';
import { createNonce, sendPage, setCommonHeaders } from './headers.ts';
import { LOGIN_PATH, login, methodNotAllowed } from './login.ts';
import { LOGOUT_PATH, logout } from './logout.ts';
import { newTokenPage } from './new-token.ts';
import { newUserPage } from './new-user.ts';
import { passwordPage } from './password-change.ts';
import { assertMayOpen } from './roles.ts';
import { sessions as createSessions } from './session.ts';
import { rewriteShell } from './shell.ts';
import { loginThrottle } from './throttle.ts';
import { type AcceptPhoto, upload, uploadTarget } from './uploads.ts';

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
  /** Takes a photo from a request of the panel's own pages; without it they cannot upload. */
  acceptPhoto?: AcceptPhoto;
  /** Asks for a photo's variants; never rejects. */
  enqueue?: (photo: OwedPhoto) => Promise<void>;
  /** The queues, for the jobs page. */
  jobs?: JobsView;
  /** The public address of a variant's file; by default below /media/ of this host. */
  mediaUrl?: (key: string) => string;
  /** The origin of these addresses when it is not this host's own, such as `https://cdn.example.org`. */
  mediaOrigin?: string | undefined;
  /** The release that runs. */
  release?: string;
  /** The JSON file in which the server tells of itself, see server-status.ts. */
  statusFile?: string;
}

/**
 * The admin panel, for every path under /admin; other paths go on to the next middleware.
 *
 * Order: files that anyone may have, login, logout, then the guard, and behind it pages of ours and AdminJS. AdminJS is
 * loaded when the first logged-in person asks for it, so that the api starts without its second.
 */
export function adminPanel(deps: AdminPanelDeps): Middleware {
  const { db, log, sessionSecret, secureCookies = true, acceptPhoto } = deps;
  const assets = panelAssets();
  const sessions = createSessions(db, sessionSecret, { secureCookies });
  const throttle = loginThrottle(db, sessionSecret);
  const handleLogin = login({ db, log, sessions, throttle });
  const handleLogout = logout(db, sessions);
  // Pages of ours behind the guard.
  const ownPages: Readonly<Record<string, (ctx: Context, actor: Actor) => Promise<void>>> = {
    '/admin/password': passwordPage({ db, log, sessions, throttle }),
    '/admin/users/new': newUserPage(db),
    '/admin/tokens/new': newTokenPage(db),
  };
  let loading: Promise<Panel> | undefined;

  async function load(): Promise<Panel> {
    const startedAt = performance.now();
    const { createPanel } = await import('./adminjs.ts');
    const panel = createPanel(deps);
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

  async function handleGuarded(ctx: Context): Promise<void> {
    const owner = await enter(ctx, sessions);
    if (!owner) return;
    assertMayOpen(ctx, owner.role);
    const actor = { ...owner, ip: ctx.ip };
    const ownPage = Object.hasOwn(ownPages, ctx.path) ? ownPages[ctx.path] : undefined;
    await (ownPage ? ownPage(ctx, actor) : handleAdminJS(ctx, actor));
  }

  async function handleAdminJS(ctx: Context, actor: Actor): Promise<void> {
    await (await panel()).handle(ctx, actor);
    if (typeof ctx.body !== 'string') return;
    const nonce = createNonce();
    const names = Object.keys(ASSETS);
    const assetUrls = new Map(
      await Promise.all(names.map(async (name) => [name, await assets.url(name)] as const)),
    );
    sendPage(ctx, rewriteShell(ctx.body, { nonce, assetUrls }), nonce, deps.mediaOrigin);
  }

  async function handleUpload(ctx: Context, accept: AcceptPhoto, salonId: number): Promise<void> {
    // The upload counts its bytes itself, and the guard has answered before it reads one.
    const owner = await enter(ctx, sessions, () => {});
    if (!owner) return;
    assertMayOpen(ctx, owner.role);
    const photo = await upload(ctx, { db, accept, salonId, actor: { ...owner, ip: ctx.ip } });
    log.info({ photoId: photo.id, salonId, adminId: owner.adminId }, 'photo uploaded in the panel');
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
    const salonId = uploadTarget(ctx.path);
    if (acceptPhoto && salonId !== undefined) return handleUpload(ctx, acceptPhoto, salonId);
    return handleGuarded(ctx);
  };
}
