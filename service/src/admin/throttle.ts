import { createHmac } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Knex } from 'knex';

/** Tries for one e-mail from one address, and for one address whatever the e-mail, per window. */
const LIMITS = { account: 5, address: 30 } as const;
export const WINDOW_MINUTES = 15;

export interface LoginThrottle {
  /** Counts one try. Returns 0 when it may go on, else the seconds to wait. */
  take(email: string, ip: string): Promise<number>;
  /** Forgets a try that turned out to be right. */
  forgive(email: string, ip: string): Promise<void>;
}

/** One home or host owns a /64: counting single IPv6 addresses would count nothing. */
export function addressGroup(ip: string): string {
  if (!isIPv6(ip) || ip.startsWith('::ffff:')) return ip.replace('::ffff:', '');
  const [head = '', tail] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

/**
 * Bounds password guessing. A try is counted before the password is looked at, in one statement, so a
 * hundred tries at once are a hundred tries. Unknown e-mails count like known ones: the answer 429 says
 * nothing about who exists. Rows are bounded: an address over its limit adds none, and old ones are swept.
 */
export function loginThrottle(db: Knex, secret: string): LoginThrottle {
  const bucket = (...parts: string[]) =>
    createHmac('sha256', secret)
      .update(['admin-login', ...parts].join('\0'))
      .digest('hex');
  const addressBucket = (ip: string) => bucket('address', addressGroup(ip));
  const accountBucket = (email: string, ip: string) => bucket('account', email, addressGroup(ip));

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
      const wait = await count(addressBucket(ip), LIMITS.address);
      return wait > 0 ? wait : count(accountBucket(email, ip), LIMITS.account);
    },
    async forgive(email, ip) {
      await db('admin_login_attempts')
        .where({ bucket: accountBucket(email, ip) })
        .delete();
      await db('admin_login_attempts')
        .where({ bucket: addressBucket(ip) })
        .where('attempts', '>', 0)
        .decrement('attempts');
    },
  };
}
