import { checkContainerConfig } from './config.ts';
import { describeMigrations } from './db/migrator.ts';
import { UsageError } from './errors.ts';
import { migrations } from './migrations/index.ts';

/**
 * `preflight`: what a deploy asks a new image before it changes anything, in the api's environment. Validates
 * that environment for every role that runs as a container and prints, as one JSON line, the migrations that
 * this image knows, oldest first. Opens no connection.
 * @throws {UsageError} naming every bad key.
 */
export async function runPreflight(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (args.length > 0) throw new UsageError('usage: preflight');
  checkContainerConfig(env);
  process.stdout.write(`${JSON.stringify({ migrations: describeMigrations(migrations) })}\n`);
  return 0;
}
