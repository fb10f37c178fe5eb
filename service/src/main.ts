import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { UsageError } from './errors.ts';

// In the image only: what `compile` wrote while it was built. Where Node cannot use it, it compiles again.
const compileCache = join(import.meta.dirname, 'compile-cache');
if (existsSync(compileCache)) module.enableCompileCache(compileCache);

/** A role of the image: takes the rest of the command line, answers with the process's exit code. */
type Role = (args: string[], env: NodeJS.ProcessEnv) => Promise<number>;

/** Each role is loaded only when asked for: a token must not pay for the api. */
const roles: Record<string, () => Promise<Role>> = {
  api: async () => (await import('./api.ts')).runApi,
  worker: async () => (await import('./worker.ts')).runWorker,
  migrate: async () => (await import('./migrate.ts')).runMigrate,
  preflight: async () => (await import('./preflight.ts')).runPreflight,
  config: async () => (await import('./config-check.ts')).runConfigCheck,
  token: async () => (await import('./token.ts')).runToken,
  media: async () => (await import('./media.ts')).runMedia,
  jobs: async () => (await import('./jobs-reconcile.ts')).runJobs,
  admin: async () => (await import('./admin-user.ts')).runAdminUser,
  seed: async () => (await import('./seed.ts')).runSeed,
  compile: async () => loadAll,
};

/** `compile`: loads every other role, so that Node writes the compiled code of all of them to the cache. */
async function loadAll(): Promise<number> {
  await Promise.all(Object.values(roles).map((load) => load()));
  return 0;
}

async function main([name = 'api', ...args]: string[]): Promise<number> {
  const load = Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (!load)
    throw new UsageError(`unknown role "${name}"; expected one of: ${Object.keys(roles).join(', ')}`);
  const role = await load();
  return role(args, process.env);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`${usage ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = usage ? 2 : 1;
}
