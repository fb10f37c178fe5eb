import type { Action, ActionContext, ResourceWithOptions } from 'adminjs';
import { currentActor } from '../actor.ts';
import { mayUse } from '../roles.ts';

const BUILT_IN = ['list', 'search', 'show', 'new', 'edit', 'delete', 'bulkDelete'];

type AnyAction = Partial<Action<never>>;

/**
 * Closes every action of a resource, AdminJS's own and ours, to roles that may not use it; with the list
 * closed, the navigation does not name it. An action that is closed to all stays so.
 */
export function forRoles({ resource, options = {} }: ResourceWithOptions): ResourceWithOptions {
  const own = (options.actions ?? {}) as Record<string, AnyAction>;
  const close = (action: AnyAction = {}): AnyAction => {
    const { isAccessible = true } = action;
    return {
      ...action,
      isAccessible: (context: ActionContext) =>
        mayUse(currentActor().role, context.resource.id()) &&
        (typeof isAccessible === 'function' ? isAccessible(context) : isAccessible),
    };
  };
  const names = new Set([...BUILT_IN, ...Object.keys(own)]);
  const actions = Object.fromEntries([...names].map((name) => [name, close(own[name])]));
  return { resource, options: { ...options, actions } } as ResourceWithOptions;
}
