import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import { insertToken, newToken } from './db/tokens.ts';
import { UsageError } from './errors.ts';

/** `token create NAME`: prints a new API token once, alone on stdout; only its hash is stored. */
export async function runToken(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [verb, name = '', ...rest] = args;
  if (verb !== 'create' || rest.length > 0 || !/^[\p{L}\p{N} ._@-]{1,100}$/u.test(name)) {
    throw new UsageError('usage: token create NAME (1 to 100 letters, digits, spaces and ._@-)');
  }
  const db = openDatabase({ url: loadConfig('command', env).DATABASE_URL, name: 'token' });
  try {
    const token = newToken();
    await insertToken(db, name, token);
    process.stderr.write(`token "${name}" created; it is shown only now:\n`);
    process.stdout.write(`${token}\n`);
    return 0;
  } finally {
    await db.destroy();
  }
}
