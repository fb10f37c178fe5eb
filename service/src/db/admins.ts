import type { Knex } from 'knex';

export type AdminRole = 'admin' | 'editor';

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
    await trx('admin_sessions').where({ admin_id: rows[0].id }).delete();
    return true;
  });
}

/** Notes the moment of a successful login. */
export async function noteLogin(db: Knex, adminId: string): Promise<void> {
  await db('admins').where({ id: adminId }).update({ last_login_at: db.fn.now() });
}
