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
  PANEL_STATUS_FILE: define('an absolute path', z.string().regex(/^\//), '/panel/status.json'),
  RATE_LIMIT: define('a whole number of requests a second, 0 to 100000', integer(0, 100_000), '100'),
  // What the process gets when it is told to stop, from the signal to its end.
  STOP_SECONDS: define('a whole number of seconds, 1 to 30', integer(1, 30), '20'),
  METRICS_PORT: define('a port number, or nothing for no metrics', integer(1, 65_535).optional()),
  LOCK_TIMEOUT_SECONDS: define('a whole number of seconds, 1 to 3600', integer(1, 3600), '10'),
};

/** Where photos are: on the local disk or in a bucket. An empty endpoint is AWS's own. */
const bucket = {
  MEDIA_S3_REGION: define('a region such as eu-central-1', z.string().regex(/^[\w-]{1,64}$/)),
  MEDIA_S3_BUCKET: define("a bucket's name", z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)),
  MEDIA_S3_ACCESS_KEY_ID: define('the access key of the bucket', z.string().min(1).max(256)),
  MEDIA_S3_SECRET_ACCESS_KEY: define('the secret of that access key', z.string().min(1).max(256)),
};
const media = {
  MEDIA_STORAGE: define('local or s3', z.enum(['local', 's3']), 'local'),
  MEDIA_S3_ENDPOINT: define('https://host without a path', origin().optional()),
  MEDIA_S3_PATH_STYLE: define('true or false', z.enum(['true', 'false']).transform(isTrue), 'false'),
  MEDIA_S3_PUBLIC_URL: define('https://host of a CDN or bucket', url('https:', 'http:').optional()),
  ...optional(bucket),
};

const common = { NODE_ENV: variables.NODE_ENV, LOG_LEVEL: variables.LOG_LEVEL, RELEASE: variables.RELEASE };
const { DATABASE_URL, LOCK_TIMEOUT_SECONDS, RATE_LIMIT, SESSION_SECRET, UPLOAD_MAX_MB } = variables;
const { PANEL_STATUS_FILE, REDIS_CACHE_URL, REDIS_QUEUE_URL, UPLOADS_DIR, STOP_SECONDS, METRICS_PORT } =
  variables;
const panel = { SESSION_SECRET, PANEL_STATUS_FILE };
const backends = { DATABASE_URL, REDIS_CACHE_URL, REDIS_QUEUE_URL, UPLOADS_DIR };
const serving = { ...common, ...backends, STOP_SECONDS, METRICS_PORT, ...media };

/** What each role takes from the environment, and nothing more: migrate never sees the session secret. */
const roles = {
  api: z.object({ ...serving, ...panel, UPLOAD_MAX_MB, RATE_LIMIT, PORT: port('3000') }),
  worker: z.object({ ...serving, PORT: port('3001') }),
  migrate: z.object({ ...common, DATABASE_URL, LOCK_TIMEOUT_SECONDS }),
  command: z.object({ ...common, DATABASE_URL }),
  media: z.object({ ...common, DATABASE_URL, UPLOADS_DIR, ...media, ...bucket }),
  'media check': z.object({ ...common, DATABASE_URL, UPLOADS_DIR, ...media }),
  jobs: z.object({ ...common, DATABASE_URL, REDIS_QUEUE_URL }),
  seed: z.object({ ...common, ...backends, ...media }),
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
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const schema = schemaFor(role, given.MEDIA_STORAGE);
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

/** Who keeps photos in a bucket must say which, and how to get in. */
function schemaFor(role: RoleName, storage: string | undefined): z.ZodObject {
  const schema: z.ZodObject = roles[role];
  return storage === 's3' && 'MEDIA_STORAGE' in schema.shape ? schema.extend(bucket) : schema;
}

function describe(key: string, missing: boolean, expected = 'a value'): string {
  return `  ${key}: ${missing ? 'missing' : 'malformed'}; expected ${expected}`;
}

/** `default` is written as it would be in the environment; a variable without one is required. */
function define<T extends z.ZodType>(expected: string, type: T, fallback?: string) {
  return z.preprocess((value) => value ?? fallback, type).describe(expected);
}

/** The same variables, each of which may be missing. */
function optional<T extends Record<string, z.ZodType>>(types: T) {
  const entries = Object.entries(types).map(([key, type]) => [
    key,
    type.optional().describe(type.description ?? ''),
  ]);
  return Object.fromEntries(entries) as { [K in keyof T]: z.ZodOptional<T[K]> };
}

function isTrue(value: string): boolean {
  return value === 'true';
}

function integer(min: number, max: number) {
  return z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max));
}

function port(fallback: string) {
  return define('a port number, 1 to 65535', integer(1, 65_535), fallback);
}

function origin() {
  return url('https:', 'http:').refine((value) => value.replace(/\/$/, '') === new URL(value).origin);
}

function url(...protocols: string[]) {
  return z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol));
}
