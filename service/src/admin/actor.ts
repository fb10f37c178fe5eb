import { AsyncLocalStorage } from 'node:async_hooks';
import type { SessionOwner } from '../db/admin-sessions.ts';

/** Who is asking the panel for something, and from where. */
export interface Actor extends SessionOwner {
  ip: string;
}

const acting = new AsyncLocalStorage<Actor>();

/**
 * Runs what AdminJS does for a request in somebody's name. AdminJS would carry a user along too, but it also writes that
 * into its page; and what an adapter is told there is for each action to remember.
 */
export function actAs<T>(actor: Actor, work: () => Promise<T>): Promise<T> {
  return acting.run(actor, work);
}

/** In whose name AdminJS runs this. @throws outside of a request: nothing there is done by nobody. */
export function currentActor(): Actor {
  const actor = acting.getStore();
  if (!actor) throw new Error('Nobody is acting here');
  return actor;
}

/** An actor as an audit entry names it. */
export function audited({ adminId, email, ip }: Actor): { admin: { id: string; email: string }; ip: string } {
  return { admin: { id: adminId, email }, ip };
}
