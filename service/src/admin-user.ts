import type { Knex } from 'knex';
import { z } from 'zod';
import { generatePassword, hashPassword } from './admin/password.ts';
import { loadConfig } from './config.ts';
import { createAdmin, resetAdminPassword } from './db/admins.ts';
import { openDatabase } from './db/connection.ts';
import { UsageError } from './errors.ts';

const USAGE = 'usage: admin create EMAIL [--reset]';
const emailSchema = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** What came of it: the exit code, what to print alone on stdout, and what to tell on stderr. */
interface Outcome {
  code: number;
  password?: string;
  message: string;
}

function parseArgs(args: string[]): { email: string; reset: boolean } {
  const words = args.filter((arg) => arg !== '--reset');
  const [verb, address, ...rest] = words;
  if (verb !== 'create' || address === undefined || rest.length > 0) throw new UsageError(USAGE);
  const email = emailSchema.safeParse(address);
  if (!email.success) throw new UsageError(`"${address}" is not an e-mail address\n${USAGE}`);
  return { email: email.data, reset: words.length < args.length };
}

/** Creates the admin, or with `reset` gives an existing one a new password and ends its sessions. */
export async function provideAdmin(db: Knex, email: string, reset: boolean): Promise<Outcome> {
  const password = generatePassword();
  const passwordHash = await hashPassword(password);
  if (reset && (await resetAdminPassword(db, email, passwordHash))) {
    return {
      code: 0,
      password,
      message: `New password for ${email}; it is logged out everywhere. Shown once:`,
    };
  }
  if (await createAdmin(db, { email, passwordHash })) {
    return { code: 0, password, message: `Admin ${email} created. The password, shown once:` };
  }
  return {
    code: 1,
    message: `Admin ${email} exists already; nothing changed. For a new password: admin create ${email} --reset`,
  };
}

/**
 * Role `admin create EMAIL [--reset]`: the generated password alone on stdout, everything else on stderr.
 * @throws {UsageError} for wrong words, a malformed e-mail or bad configuration.
 */
export async function runAdminUser(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { email, reset } = parseArgs(args);
  const db = openDatabase({ url: loadConfig('command', env).DATABASE_URL, name: 'admin' });
  try {
    const { code, password, message } = await provideAdmin(db, email, reset);
    process.stderr.write(`${message}\n`);
    if (password) process.stdout.write(`${password}\n`);
    return code;
  } finally {
    await db.destroy();
  }
}
