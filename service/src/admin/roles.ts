import type { Context } from 'koa';
import type { AdminRole } from '../db/admins.ts';
import { uploadTarget } from './uploads.ts';

/** What editors may open. Everything else, and whatever is added one day, is for administrators. */
const EDITOR_RESOURCES: ReadonlySet<string> = new Set(['salons', 'photos']);
const EDITOR_PATHS: ReadonlySet<string> = new Set([
  '/admin',
  '/admin/',
  '/admin/api/dashboard',
  '/admin/password',
  '/admin/pages/jobs',
  '/admin/api/pages/jobs',
]);

/** Whether that role may see and change a resource. */
export function mayUse(role: AdminRole, resource: string): boolean {
  return role === 'admin' || EDITOR_RESOURCES.has(resource);
}

/**
 * Whether that role may ask for this path. Decided on the path as it came: an encoded name is none that is
 * known here. The resources ask `mayUse` again for each of their actions.
 */
export function mayOpen(role: AdminRole, path: string): boolean {
  if (role === 'admin' || EDITOR_PATHS.has(path)) return true;
  if (uploadTarget(path) !== undefined) return true;
  const [, resource] = /^\/admin\/(?:api\/)?resources\/([^/]+)(?:\/|$)/.exec(path) ?? [];
  return resource !== undefined && mayUse(role, resource);
}

/** @throws 403 when the role may not ask for this path. */
export function assertMayOpen(ctx: Context, role: AdminRole): void {
  if (!mayOpen(role, ctx.path)) ctx.throw(403, 'Only administrators may do this');
}
