import { parseArgs } from 'node:util';
import type { Knex } from 'knex';
import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import {
  DEFAULT_TOKEN_DAYS,
  insertToken,
  listTokens,
  newToken,
  revokeToken,
  TOKEN_SCOPES,
  type Token,
  type TokenScope,
} from './db/tokens.ts';
import { UsageError } from './errors.ts';

const USAGE = `usage: token create NAME [--scope read|write] [--days N]   (write, ${DEFAULT_TOKEN_DAYS} days; 0 never expires)
       token list [--json]
       token revoke ID|NAME
NAME is 1 to 100 letters, digits, spaces and ._@-`;
const MAX_DAYS = 36_500;

/** What a command writes: its result on stdout, words for people on stderr. */
type Command = (db: Knex) => Promise<{ code: number; stdout?: string; stderr?: string }>;

/**
 * Role `token`: makes, lists and revokes API tokens. A new one is printed once, alone on stdout; only its hash
 * is stored.
 * @throws {UsageError} for wrong words or bad configuration.
 */
export async function runToken(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const command = parse(args);
  const db = openDatabase({ url: loadConfig('command', env).DATABASE_URL, name: 'token' });
  try {
    const { code, stdout = '', stderr = '' } = await command(db);
    process.stderr.write(stderr);
    process.stdout.write(stdout);
    return code;
  } finally {
    await db.destroy();
  }
}

function parse(args: string[]): Command {
  const { words, scope, days, json } = readWords(args);
  const [verb, name = '', ...rest] = words;
  const isPlain = scope === undefined && days === undefined;
  if (rest.length > 0 || (json && verb !== 'list')) throw new UsageError(USAGE);
  if (verb === 'create' && /^[\p{L}\p{N} ._@-]{1,100}$/u.test(name)) {
    return (db) => create(db, name, readScope(scope ?? 'write'), readDays(days ?? `${DEFAULT_TOKEN_DAYS}`));
  }
  if (verb === 'list' && name === '' && isPlain) return (db) => list(db, json === true);
  if (verb === 'revoke' && name !== '' && isPlain) return (db) => revoke(db, name);
  throw new UsageError(USAGE);
}

function readWords(args: string[]) {
  const options = { scope: { type: 'string' }, days: { type: 'string' }, json: { type: 'boolean' } } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { words: positionals, ...values };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

function readScope(word: string): TokenScope {
  const scope = TOKEN_SCOPES.find((known) => known === word);
  if (!scope) throw new UsageError(`--scope is read or write\n${USAGE}`);
  return scope;
}

function readDays(word: string): number {
  if (/^\d{1,5}$/.test(word) && Number(word) <= MAX_DAYS) return Number(word);
  throw new UsageError(`--days is a whole number, 0 (never expires) to ${MAX_DAYS}\n${USAGE}`);
}

async function create(db: Knex, name: string, scope: TokenScope, days: number) {
  const token = newToken();
  const id = await insertToken(db, name, token, { scope, days });
  const life = days > 0 ? `expires in ${days} days` : 'never expires';
  const stderr = `token "${name}" (id ${id}, ${scope}) created, ${life}; it is shown only now:\n`;
  return { code: 0, stdout: `${token}\n`, stderr };
}

async function list(db: Knex, json: boolean) {
  const tokens = await listTokens(db);
  if (json) return { code: 0, stdout: `${JSON.stringify(tokens)}\n` };
  const day = (time: Date | null) => time?.toISOString().slice(0, 10) ?? 'never';
  const row = ({ id, state, scope, createdAt, lastUsedAt, expiresAt, name }: Token) => [
    String(id),
    state,
    scope,
    day(createdAt),
    day(lastUsedAt),
    day(expiresAt),
    name,
  ];
  const lines = [['ID', 'STATE', 'SCOPE', 'CREATED', 'USED', 'EXPIRES', 'NAME'], ...tokens.map(row)];
  const widths = [4, 8, 6, 11, 11, 11, 0];
  const text = lines.map((cells) => cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' '));
  return { code: 0, stdout: `${text.join('\n')}\n` };
}

/** By id, or by name when exactly one token that is not revoked has it. */
async function revoke(db: Knex, word: string) {
  const tokens = (await listTokens(db)).filter(({ state }) => state !== 'revoked');
  const byId = tokens.filter(({ id }) => String(id) === word);
  const found = byId.length > 0 ? byId : tokens.filter(({ name }) => name === word);
  const [token] = found;
  if (!token) return { code: 1, stderr: `no token is called "${word}"; nothing changed. See: token list\n` };
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ');
    return {
      code: 1,
      stderr: `several tokens are called "${word}" (ids ${ids}); nothing changed, name one by id\n`,
    };
  }
  await revokeToken(db, token.id);
  return {
    code: 0,
    stderr: `token "${token.name}" (id ${token.id}) is revoked; it opens nothing from now on\n`,
  };
}
