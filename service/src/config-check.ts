import { containerRoles, loadConfig } from './config.ts';
import { UsageError } from './errors.ts';

/**
 * `config check [api|worker|migrate]`: validates the environment for one role (default api, which takes
 * the most) without opening a connection.
 * @throws {UsageError} naming every bad key.
 */
export async function runConfigCheck(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [verb, name = 'api', ...rest] = args;
  const role = containerRoles.find((known) => known === name);
  if (verb !== 'check' || !role || rest.length > 0) {
    throw new UsageError(`usage: config check [${containerRoles.join('|')}]`);
  }
  loadConfig(role, env);
  process.stdout.write(`configuration for ${role} is good\n`);
  return 0;
}
