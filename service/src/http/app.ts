import type Router from '@koa/router';
import type { Knex } from 'knex';
import Koa, { type Middleware } from 'koa';
import type { Cache } from '../cache/cache.ts';
import type { Photo } from '../db/photos.ts';
import type { Logger } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import { errors } from './middleware/errors.ts';
import { headers } from './middleware/headers.ts';
import { requestLog } from './middleware/request-log.ts';
import type { Check } from './readiness.ts';
import { healthRoutes } from './routes/health.ts';
import { mediaRoutes } from './routes/media.ts';
import { photoRoutes } from './routes/photos.ts';
import { salonRoutes } from './routes/salons.ts';

/** What the application needs; the api process opens it. */
export interface AppDependencies {
  db: Knex;
  cache: Cache;
  storage: Storage;
  log: Logger;
  release: string;
  uploadMaxMegabytes: number;
  /** Asks for a photo's variants; never rejects and never waits long. */
  enqueue: (photo: Photo) => Promise<void>;
  /** What /readyz checks, by name. */
  checks: Record<string, Check>;
  isDraining: () => boolean;
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
  app.use(errors());
  app.use(deps.admin);
  mount(app, [healthRoutes(deps), mediaRoutes(deps.storage), salonRoutes(deps), photoRoutes(deps)]);
  return app;
}

function mount(app: Koa, routers: Router[]): void {
  for (const router of routers) app.use(router.routes());
  // After all routes: a path may be matched by one router and its method by another.
  for (const router of routers) app.use(router.allowedMethods());
}
