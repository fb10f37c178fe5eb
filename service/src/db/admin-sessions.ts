import type { Knex } from 'knex';
import type { AdminRole } from './admins.ts';

/** A session ends after this many hours without a request. */
export const IDLE_HOURS = 12;
/** And after this many days whatever happens. */
export const ABSOLUTE_DAYS = 7;

/** Who is behind a live session. */
export interface SessionOwner {
  sessionId: string;
  adminId: string;
  email: string;
  role: AdminRole;
}

/** Stores a session that ends ABSOLUTE_DAYS from now, and drops the ones that are over. */
export async function insertSession(
  db: Knex,
  session: { idHash: string; adminId: string; ip: string; userAgent: string },
): Promise<void> {
  await db('admin_sessions').where('expires_at', '<', db.fn.now()).delete();
  await db('admin_sessions').insert({
    id_hash: session.idHash,
    admin_id: session.adminId,
    expires_at: db.raw("now() + ? * interval '1 day'", [ABSOLUTE_DAYS]),
    ip: session.ip,
    user_agent: session.userAgent,
  });
}

/**
 * The owner of a live session, or undefined when it is unknown, over, idle for too long, or its admin
 * was disabled. Moves the idle clock, at most once a minute so that a page of requests is one write.
 */
export async function findLiveSession(db: Knex, idHash: string): Promise<SessionOwner | undefined> {
  const row = await db('admin_sessions as s')
    .join('admins as a', 'a.id', 's.admin_id')
    .where('s.id_hash', idHash)
    .where('s.expires_at', '>', db.fn.now())
    .whereRaw("s.last_seen_at > now() - ? * interval '1 hour'", [IDLE_HOURS])
    .whereNull('a.disabled_at')
    .first(
      's.id as session_id',
      'a.id',
      'a.email',
      'a.role',
      db.raw("s.last_seen_at < now() - interval '1 minute' as stale"),
    );
  if (!row) return undefined;
  if (row.stale) {
    await db('admin_sessions').where({ id_hash: idHash }).update({ last_seen_at: db.fn.now() });
  }
  return { sessionId: row.session_id, adminId: row.id, email: row.email, role: row.role };
}

/** Ends a session now. Unknown ones are fine: the wish is fulfilled. */
export async function deleteSession(db: Knex, idHash: string): Promise<void> {
  await db('admin_sessions').where({ id_hash: idHash }).delete();
}

/** Ends every session of an admin. */
export async function deleteSessionsOf(db: Knex, adminId: string): Promise<void> {
  await db('admin_sessions').where({ admin_id: adminId }).delete();
}
