import { z } from 'zod';
import { UsageError } from './errors.ts';

/** What each variable must be, in words: an error prints these and never the value, which may be a secret. */
const variables = {
  NODE_ENV: define(
    'production, development or test',
    z.enum(['production', 'development', 'test']),
    'production',
  ),
  LOG_LEVEL: define(
    'trace, debug, info, warn, error, fatal or silent',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
  ),
  RELEASE: define('1 to 128 of A-Z a-z 0-9 . _ + -', z.string().regex(/^[\w.+-]{1,128}$/), 'dev'),
  DATABASE_URL: define('postgres://user:password@host:port/database', url('postgres:', 'postgresql:')),
  REDIS_CACHE_URL: define('redis://:password@host:port', url('redis:', 'rediss:')),
  REDIS_QUEUE_URL: define('redis://:password@host:port', url('redis:', 'rediss:')),
  SESSION_SECRET: define('a random string of at least 32 characters', z.string().min(32)),
  UPLOADS_DIR: define('an absolute path', z.string().regex(/^\//), '/uploads'),
  UPLOAD_MAX_MB: define('a whole number of megabytes, 1 to 1024', integer(1, 1024), '25'),
  // What the process gets when it is told to stop, from the signal to its end.
  STOP_SECONDS: define('a whole number of seconds, 1 to 30', integer(1, 30), '20'),
  LOCK_TIMEOUT_SECONDS: define('a whole number of seconds, 1 to 3600', integer(1, 3600), '10'),
};

const common = { NODE_ENV: variables.NODE_ENV, LOG_LEVEL: variables.LOG_LEVEL, RELEASE: variables.RELEASE };
const { DATABASE_URL, LOCK_TIMEOUT_SECONDS, SESSION_SECRET, UPLOAD_MAX_MB } = variables;
const { REDIS_CACHE_URL, REDIS_QUEUE_URL, UPLOADS_DIR, STOP_SECONDS } = variables;
const serving = { ...common, DATABASE_URL, REDIS_CACHE_URL, REDIS_QUEUE_URL, UPLOADS_DIR, STOP_SECONDS };

/** What each role takes from the environment, and nothing more: migrate never sees the session secret. */
const roles = {
  api: z.object({ ...serving, SESSION_SECRET, UPLOAD_MAX_MB, PORT: port('3000') }),
  worker: z.object({ ...serving, PORT: port('3001') }),
  migrate: z.object({ ...common, DATABASE_URL, LOCK_TIMEOUT_SECONDS }),
  command: z.object({ ...common, DATABASE_URL }),
};

export type RoleName = keyof typeof roles;
export type Config<R extends RoleName> = Readonly<z.infer<(typeof roles)[R]>>;

/** The roles that run as containers; the others are commands inside them. */
export const containerRoles = ['api', 'worker', 'migrate'] as const satisfies readonly RoleName[];

/**
 * Reads what one role needs from the environment. An empty variable counts as missing.
 * @throws {UsageError} naming every bad key at once with what is expected; values are never printed.
 */
export function loadConfig<R extends RoleName>(role: R, env: NodeJS.ProcessEnv): Config<R> {
  const { values, problems } = read(role, env);
  if (problems.length > 0) throw new UsageError([`bad configuration for ${role}:`, ...problems].join('\n'));
  return values as Config<R>;
}

/**
 * Reads what all roles that run as containers need, from one environment.
 * @throws {UsageError} naming every bad key once, whichever roles want it.
 */
export function checkContainerConfig(env: NodeJS.ProcessEnv): void {
  const problems = new Set(containerRoles.flatMap((role) => read(role, env).problems));
  if (problems.size > 0) throw new UsageError(['bad configuration:', ...problems].join('\n'));
}

function read(role: RoleName, env: NodeJS.ProcessEnv): { values: unknown; problems: string[] } {
  const schema: z.ZodObject = roles[role];
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  const bad = new Set(result.error?.issues.map((issue) => String(issue.path[0])));
  const problems = Object.entries(schema.shape)
    .filter(([key]) => bad.has(key))
    .map(([key, type]) => describe(key, given[key] === undefined, (type as z.ZodType).description));
  // ATLAS_ is this product's own prefix: such a name that nobody reads is a typing error.
  const unknown = Object.keys(env).filter((key) => key.startsWith('ATLAS_'));
  problems.push(...unknown.map((key) => `  ${key}: unknown; no ATLAS_* variable is read, remove it`));
  return { values: result.data, problems };
}

function describe(key: string, missing: boolean, expected = 'a value'): string {
  return `  ${key}: ${missing ? 'missing' : 'malformed'}; expected ${expected}`;
}

/** `default` is written as it would be in the environment; a variable without one is required. */
function define<T extends z.ZodType>(expected: string, type: T, fallback?: string) {
  return z.preprocess((value) => value ?? fallback, type).describe(expected);
}

function integer(min: number, max: number) {
  return z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max));
}

function port(fallback: string) {
  return define('a port number, 1 to 65535', integer(1, 65_535), fallback);
}

function url(...protocols: string[]) {
  return z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol));
}
