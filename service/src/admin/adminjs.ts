import AdminJSKoa from '@adminjs/koa';
import AdminJS, { ComponentLoader } from 'adminjs';
import Koa, { type Context, type Middleware } from 'koa';
import { type Actor, actAs } from './actor.ts';
import { ASSET_PREFIX } from './assets.ts';
import { PANEL_BODY_MAX_BYTES } from './body.ts';
import { BRANDING, LOCALE } from './branding.ts';
import { type DashboardDeps, dashboard } from './dashboard.ts';
import { type JobsPageDeps, jobsPage } from './jobs-page.ts';
import { panelResources, type ResourceDeps } from './resources/index.ts';

export interface Panel {
  /** Runs AdminJS for a request that has passed the guard; throws 404 for what it does not know. */
  handle(ctx: Context, actor: Actor): Promise<void>;
}

/**
 * Form parsing of @adminjs/koa. It would write any file it is sent into the temporary folder and the
 * panel takes none, so a file part ends the request.
 */
const FORM_RULES = {
  maxFields: 200,
  maxFieldsSize: PANEL_BODY_MAX_BYTES,
  onPart(this: FormidableForm, part: { filename?: string }) {
    if (part.filename === undefined) this.handlePart(part);
    else this._error(Object.assign(new Error('The panel takes no files here'), { status: 415 }));
  },
};

interface FormidableForm {
  handlePart(part: unknown): void;
  _error(error: Error): void;
}

/** Refuses resources and actions that do not exist: AdminJS answers those with an error of its own making. */
function assertKnown(ctx: Context, admin: AdminJS): void {
  const [, id, action] =
    /^\/admin\/(?:api\/)?resources\/([^/]+)(?:\/(?:actions|bulk|records\/[^/]+)\/([^/]+))?/.exec(ctx.path) ??
    [];
  if (id === undefined) return;
  const resource = admin.resources.find((one) => one.id() === id);
  const actions = resource?.decorate().actions ?? {};
  if (!resource || (action !== undefined && !Object.hasOwn(actions, action))) ctx.throw(404);
}

/**
 * AdminJS behind its koa router: `buildRouter` only. The other one of that package, with its own login,
 * lets anyone in who writes an asset's name into the query string.
 */
export function createPanel(deps: ResourceDeps & DashboardDeps & JobsPageDeps): Panel {
  const admin = new AdminJS({
    rootPath: '/admin',
    loginPath: '/admin/login',
    logoutPath: '/admin/logout',
    componentLoader: new ComponentLoader(),
    resources: panelResources(deps),
    dashboard: { component: 'Dashboard', handler: () => dashboard(deps) },
    pages: { jobs: { component: 'Jobs', icon: 'Activity', handler: jobsPage(deps) } },
    branding: BRANDING,
    assets: { scripts: [`${ASSET_PREFIX}accounts.js`] },
    locale: LOCALE,
    settings: { defaultPerPage: 25 },
  });
  // It would bundle components into ./.adminjs (the root is read-only; ours are bundled with the image)
  // and then write a line on stdout, which is for the JSON log.
  admin.initialize = () => new Promise(() => {});
  // The app given here collects routes for static files. Ours are served before the guard: thrown away.
  const router = AdminJSKoa.buildRouter(admin, new Koa() as never, undefined, FORM_RULES as never);
  const routes = router.routes() as unknown as Middleware;

  async function handle(ctx: Context, actor: Actor): Promise<void> {
    assertKnown(ctx, admin);
    // The one thing @adminjs/koa reads from a session. Goes into the page as it is: two safe fields only.
    ctx.session = { adminUser: { id: actor.adminId, email: actor.email } };
    let reached = true;
    try {
      await actAs(actor, () =>
        routes(ctx, async () => {
          reached = false;
        }),
      );
    } catch (error) {
      // Handlers wrap what they throw and give it a status; only the form parser throws bare errors.
      if (error instanceof Error && !('status' in error)) ctx.throw(400, 'The form could not be read');
      throw error;
    }
    if (!reached) ctx.throw(404);
  }

  return { handle };
}
