import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';

const FORMAT = /^atlas_[A-Za-z0-9_-]{43}$/;

export const TOKEN_SCOPES = ['read', 'write'] as const;

/** read: everything a token may see, unpublished salons too. write: to change it as well. */
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Only a live token opens anything; why another does not is for its owner to know. */
export type TokenState = 'live' | 'expired' | 'revoked';

/** How long a new token lives when nobody says otherwise. */
export const DEFAULT_TOKEN_DAYS = 365;

/** What may be known of a token: everything but itself. */
export interface Token {
  id: number;
  name: string;
  scope: TokenScope;
  state: TokenState;
  createdAt: Date;
  lastUsedAt: Date | null;
  /** Null: never. */
  expiresAt: Date | null;
}

interface TokenRow {
  id: string;
  name: string;
  token_hash: string;
  scope: TokenScope;
  state: TokenState;
  created_at: Date;
  last_used_at: Date | null;
  expires_at: Date | null;
}

/** SQL of a row's state, by the database's clock, so that several api containers agree. */
export const TOKEN_STATE = `case when revoked_at is not null then 'revoked'
  when expires_at <= now() then 'expired' else 'live' end`;

/** A new token: the prefix lets secret scanners find a leaked one, 256 random bits make hashing enough. */
export function newToken(): string {
  return `atlas_${randomBytes(32).toString('base64url')}`;
}

/** What is stored instead of the token: SHA-256 in hexadecimal. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Stores a token under a name and answers with its id; the token itself is not kept.
 * @param options.days after which it expires; 0: never.
 */
export async function insertToken(
  db: Knex,
  name: string,
  token: string,
  options: { scope?: TokenScope; days?: number } = {},
): Promise<string> {
  const { scope = 'write', days = DEFAULT_TOKEN_DAYS } = options;
  const expiry = days > 0 ? db.raw("now() + ? * interval '1 day'", [days]) : null;
  const rows = await db('api_tokens')
    .insert({ name, scope, token_hash: hashToken(token), expires_at: expiry })
    .returning('id');
  return rows[0].id;
}

/**
 * The token behind what a client sent, whatever its state, or undefined when it is not one of ours. Notes the
 * use of a live one, at most once a minute.
 */
export async function findToken(
  db: Knex,
  token: string,
): Promise<Pick<Token, 'id' | 'name' | 'scope' | 'state'> | undefined> {
  if (!FORMAT.test(token)) return undefined;
  const hash = hashToken(token);
  const row = await db('api_tokens')
    .where({ token_hash: hash })
    .first(
      ...['id', 'name', 'scope', 'token_hash'],
      db.raw(`${TOKEN_STATE} as state`),
      db.raw("coalesce(last_used_at < now() - interval '1 minute', true) as stale"),
    );
  // The index found it; the comparison does not trust an index's collation, nor its timing.
  if (!row || !timingSafeEqual(Buffer.from(row.token_hash), Buffer.from(hash))) return undefined;
  if (row.state === 'live' && row.stale) {
    await db('api_tokens').where({ id: row.id }).update({ last_used_at: db.fn.now() });
  }
  return { id: Number(row.id), name: row.name, scope: row.scope, state: row.state };
}

/** Every token there ever was, newest first. */
export async function listTokens(db: Knex): Promise<Token[]> {
  const rows: TokenRow[] = await db('api_tokens')
    .select('*', db.raw(`${TOKEN_STATE} as state`))
    .orderBy('id', 'desc');
  return rows.map(({ id, name, scope, state, created_at, last_used_at, expires_at }) => ({
    ...{ id: Number(id), name, scope, state },
    ...{ createdAt: created_at, lastUsedAt: last_used_at, expiresAt: expires_at },
  }));
}

/** Revokes a token from this moment on. False: there is none with that id, or it was revoked before. */
export async function revokeToken(db: Knex, id: number | string): Promise<boolean> {
  const count = await db('api_tokens')
    .where({ id })
    .whereNull('revoked_at')
    .update({ revoked_at: db.fn.now() });
  return count > 0;
}
