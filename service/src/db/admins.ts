import type { Knex } from 'knex';
import { deleteSessionsOf } from './admin-sessions.ts';

export const ADMIN_ROLES = ['admin', 'editor'] as const;

/** admin: everything. editor: salons and photos. */
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** One person who may log in. `password_hash` leaves this file only towards the password check. */
export interface AdminRow {
  id: string;
  email: string;
  password_hash: string;
  role: AdminRole;
  created_at: Date;
  last_login_at: Date | null;
  disabled_at: Date | null;
}

/** Finds an admin by e-mail (lower-cased by the caller), disabled ones included. */
export async function findAdminByEmail(db: Knex, email: string): Promise<AdminRow | undefined> {
  return db<AdminRow>('admins').where({ email }).first();
}

/** Creates an admin. Returns undefined, and changes nothing, when the e-mail is taken. */
export async function createAdmin(
  db: Knex,
  admin: { email: string; passwordHash: string; role?: AdminRole },
): Promise<AdminRow | undefined> {
  const rows = await db<AdminRow>('admins')
    .insert({ email: admin.email, password_hash: admin.passwordHash, role: admin.role ?? 'admin' })
    .onConflict('email')
    .ignore()
    .returning('*');
  return rows[0];
}

/**
 * Sets a new password and ends every session of that admin, in one transaction: whoever knew the old
 * password is out. Returns false when no such admin exists.
 */
export async function resetAdminPassword(db: Knex, email: string, passwordHash: string): Promise<boolean> {
  return db.transaction(async (trx) => {
    const rows = await trx('admins').where({ email }).update({ password_hash: passwordHash }).returning('id');
    if (rows.length === 0) return false;
    await deleteSessionsOf(trx, rows[0].id);
    return true;
  });
}

/**
 * Notes the moment of a successful login. False: since the password was checked it was changed, or the admin
 * was disabled; then this login is none.
 */
export async function noteLogin(db: Knex, admin: Pick<AdminRow, 'id' | 'password_hash'>): Promise<boolean> {
  const count = await db('admins')
    .where({ id: admin.id, password_hash: admin.password_hash, disabled_at: null })
    .update({ last_login_at: db.fn.now() });
  return count > 0;
}

/** Replaces a password, unless somebody else has done so since `oldHash` was read: then false. */
export async function replacePassword(
  db: Knex,
  admin: { id: string; oldHash: string; newHash: string },
): Promise<boolean> {
  const count = await db('admins')
    .where({ id: admin.id, password_hash: admin.oldHash })
    .update({ password_hash: admin.newHash });
  return count > 0;
}

/** The last administrator who can log in may neither be disabled, nor made an editor, nor deleted. */
export class LastAdminError extends Error {
  override name = 'LastAdminError';
}

/**
 * Makes everybody who would take an administrator away wait for each other; before any other lock on the
 * table, so that two of them never wait in a circle. For the length of the transaction.
 */
export async function lockAdmins(trx: Knex): Promise<void> {
  await activeAdmins(trx).orderBy('id').forUpdate();
}

/** @throws {LastAdminError} when nobody but `id` is an administrator who can log in. Under lockAdmins. */
async function assertAnotherAdmin(trx: Knex, id: string): Promise<void> {
  const ids: string[] = await activeAdmins(trx).pluck('id');
  if (ids.length === 1 && ids[0] === id) throw new LastAdminError();
}

const activeAdmins = (db: Knex) => db('admins').where({ role: 'admin', disabled_at: null }).select('id');

/**
 * Changes a role, or whether the admin may log in; disabling ends the sessions. Under lockAdmins.
 * @throws {LastAdminError}
 */
export async function changeAdmin(
  trx: Knex,
  id: string,
  { role, enabled }: { role?: AdminRole | undefined; enabled?: boolean | undefined },
): Promise<void> {
  if (role === 'editor' || enabled === false) await assertAnotherAdmin(trx, id);
  if (role) await trx('admins').where({ id }).update({ role });
  if (enabled === true) await trx('admins').where({ id }).update({ disabled_at: null });
  if (enabled === false) {
    await trx('admins').where({ id, disabled_at: null }).update({ disabled_at: trx.fn.now() });
    await deleteSessionsOf(trx, id);
  }
}

/**
 * Deletes an admin with all sessions. Under lockAdmins.
 * @throws {LastAdminError}
 */
export async function deleteAdmin(trx: Knex, id: string): Promise<void> {
  await assertAnotherAdmin(trx, id);
  await trx('admins').where({ id }).delete();
}
