import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';

const FORMAT = /^atlas_[A-Za-z0-9_-]{43}$/;

/** A new token: the prefix lets secret scanners find a leaked one, 256 random bits make hashing enough. */
export function newToken(): string {
  return `atlas_${randomBytes(32).toString('base64url')}`;
}

/** What is stored instead of the token: SHA-256 in hexadecimal. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Stores a token under a name; the token itself is not kept. */
export async function insertToken(db: Knex, name: string, token: string): Promise<void> {
  await db('api_tokens').insert({ name, token_hash: hashToken(token) });
}

/** The name of a token, or undefined when it is not one of ours. Notes its use, at most once a minute. */
export async function findToken(db: Knex, token: string): Promise<{ id: number; name: string } | undefined> {
  if (!FORMAT.test(token)) return undefined;
  const hash = hashToken(token);
  const row = await db('api_tokens')
    .where({ token_hash: hash })
    .first(
      'id',
      'name',
      'token_hash',
      db.raw("coalesce(last_used_at < now() - interval '1 minute', true) as stale"),
    );
  // The index found it; the comparison does not trust an index's collation, nor its timing.
  if (!row || !timingSafeEqual(Buffer.from(row.token_hash), Buffer.from(hash))) return undefined;
  if (row.stale) await db('api_tokens').where({ id: row.id }).update({ last_used_at: db.fn.now() });
  return { id: Number(row.id), name: row.name };
}
