import type Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import type { RateLimits } from '../cache/rate-limits.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { UploadDependencies } from './accept-photo.ts';
import { errors } from './middleware/errors.ts';
import { headers } from './middleware/headers.ts';
import { requestMetrics } from './middleware/metrics.ts';
import { rateLimit } from './middleware/rate-limit.ts';
import { requestLog } from './middleware/request-log.ts';
import type { Check } from './readiness.ts';
import { healthRoutes } from './routes/health.ts';
import { mediaRoutes } from './routes/media.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { photoRoutes } from './routes/photos.ts';
import { salonRoutes } from './routes/salons.ts';

/** What the application needs; the api process opens it. */
export interface AppDependencies extends UploadDependencies {
  log: Logger;
  metrics: Metrics;
  release: string;
  /** What /readyz checks, by name. */
  checks: Record<string, Check>;
  isDraining: () => boolean;
  /** How often one may ask under /api; undefined: as often as they like. */
  limits?: RateLimits | undefined;
  /** Handles /admin and what is below it. */
  admin: Middleware;
}

/** Builds the application without opening or listening to anything. */
export function createApp(deps: AppDependencies): Koa {
  // The proxy in front overwrites the forwarded headers, so the one hop it writes can be believed.
  const app = new Koa({ proxy: true, maxIpsCount: 1 });
  // Errors after the answer has begun, such as a client that went away in the middle of a photo.
  app.on('error', (err) => deps.log.debug({ err }, 'connection'));
  app.use(headers(deps.release, deps.isDraining));
  app.use(requestLog(deps.log));
  app.use(requestMetrics(deps.metrics));
  app.use(errors(deps.log));
  app.use(deps.admin);
  if (deps.limits) app.use(rateLimit(deps.db, deps.limits));
  mount(app, [
    healthRoutes(deps),
    mediaRoutes(deps.storage),
    openApiRoutes(deps.release),
    ...apiRoutes(deps),
  ]);
  return app;
}

/** The routers of what the API's document describes. */
export function apiRoutes(deps: AppDependencies): Router[] {
  return [salonRoutes(deps), photoRoutes(deps)];
}

function mount(app: Koa, routers: Router[]): void {
  for (const router of routers) app.use(router.routes());
  // After all routes: a path may be matched by one router and its method by another.
  for (const router of routers) app.use(router.allowedMethods());
}
