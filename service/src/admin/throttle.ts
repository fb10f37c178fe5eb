import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import { addressGroup } from '../address-group.ts';

/**
 * Tries per window: for one e-mail from one address, for one address whatever the e-mail, and for one e-mail
 * from all addresses together that it is not known from.
 */
const LIMITS = { account: 5, address: 30, accountEverywhere: 50 } as const;
/** An address is known to an account for this long after its last login from there. */
export const KNOWN_DAYS = 30;
export const WINDOW_MINUTES = 15;

export interface LoginThrottle {
  /** Counts one try. Returns 0 when it may go on, else the seconds to wait. */
  take(email: string, ip: string): Promise<number>;
  /** Forgets a try that turned out to be right. */
  forgive(email: string, ip: string): Promise<void>;
  /** Notes that this account has logged in from there. */
  remember(adminId: string, email: string, ip: string): Promise<void>;
}

/**
 * Bounds password guessing. A try is counted before the password is looked at, in one statement, so a
 * hundred tries at once are a hundred tries. Unknown e-mails count like known ones: the answer 429 says
 * nothing about who exists. Rows are bounded: an address over its limit adds none, and old ones are swept.
 *
 * Many addresses together may try one account no more often either. Whoever knows an e-mail could lock its
 * owner out that way, for as long as the tries go on; so addresses from which the account has logged in
 * within KNOWN_DAYS neither count there nor wait. An owner who is somewhere new meanwhile logs in from a known
 * place, or waits until the tries end. Addresses are groups (address-group.ts), stored as keyed hashes.
 */
export function loginThrottle(db: Knex, secret: string): LoginThrottle {
  const bucket = (...parts: string[]) =>
    createHmac('sha256', secret)
      .update(['admin-login', ...parts].join('\0'))
      .digest('hex');
  const addressBucket = (ip: string) => bucket('address', addressGroup(ip));
  const accountBucket = (email: string, ip: string) => bucket('account', email, addressGroup(ip));

  const everywhereBucket = (email: string) => bucket('account everywhere', email);
  const knownBucket = (email: string, ip: string) => bucket('known', email, addressGroup(ip));

  /** Asked for every e-mail alike, so that the time it takes says nothing about who exists. */
  async function isKnown(email: string, ip: string): Promise<boolean> {
    const row = await db('admin_known_addresses')
      .where({ bucket: knownBucket(email, ip) })
      .whereRaw("last_login_at > now() - ? * interval '1 day'", [KNOWN_DAYS])
      .first('bucket');
    return row !== undefined;
  }

  async function uncount(key: string): Promise<void> {
    await db('admin_login_attempts').where({ bucket: key }).where('attempts', '>', 0).decrement('attempts');
  }

  async function count(key: string, limit: number): Promise<number> {
    const { rows } = await db.raw(
      `insert into admin_login_attempts as t (bucket, attempts) values (:key, 1)
       on conflict (bucket) do update set
         attempts = case when t.window_started_at < now() - :window * interval '1 minute'
                    then 1 else least(t.attempts + 1, :limit + 1) end,
         window_started_at = case when t.window_started_at < now() - :window * interval '1 minute'
                    then now() else t.window_started_at end
       returning attempts, ceil(extract(epoch from
         window_started_at + :window * interval '1 minute' - now()))::integer as wait`,
      { key, limit, window: WINDOW_MINUTES },
    );
    return rows[0].attempts > limit ? Math.max(1, rows[0].wait) : 0;
  }

  return {
    async take(email, ip) {
      await db('admin_login_attempts')
        .whereRaw("window_started_at < now() - ? * interval '1 minute'", [WINDOW_MINUTES])
        .delete();
      const wait =
        (await count(addressBucket(ip), LIMITS.address)) ||
        (await count(accountBucket(email, ip), LIMITS.account));
      if (wait > 0 || (await isKnown(email, ip))) return wait;
      return count(everywhereBucket(email), LIMITS.accountEverywhere);
    },
    async forgive(email, ip) {
      await db('admin_login_attempts')
        .where({ bucket: accountBucket(email, ip) })
        .delete();
      await uncount(addressBucket(ip));
      if (!(await isKnown(email, ip))) await uncount(everywhereBucket(email));
    },
    async remember(adminId, email, ip) {
      await db('admin_known_addresses')
        .where({ admin_id: adminId })
        .whereRaw("last_login_at < now() - ? * interval '1 day'", [KNOWN_DAYS])
        .delete();
      await db('admin_known_addresses')
        .insert({ bucket: knownBucket(email, ip), admin_id: adminId })
        .onConflict('bucket')
        .merge({ last_login_at: db.fn.now(), admin_id: adminId });
    },
  };
}
