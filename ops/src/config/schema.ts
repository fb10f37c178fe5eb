import { makeValidator, port, str } from 'envalid';

const matching = (pattern: RegExp, expected: string) =>
  makeValidator<string>((value) => {
    if (!pattern.test(value)) throw new Error(expected);
    return value;
  });

const whole = (low: number, high: number) =>
  makeValidator<number>((value) => {
    const parsed = Number(value);
    if (!Number.isInteger(parsed) || parsed < low || parsed > high || value.trim() === '')
      throw new Error(`a whole number from ${low} to ${high}`);
    return parsed;
  });

// https://docs.docker.com/reference/cli/docker/image/tag/
const imageReference = matching(
  /^[a-z0-9][a-z0-9._/:@-]{0,254}$/i,
  'an image reference such as postgres:17 or ghcr.io/you/app',
);
const imageTag = matching(/^\w[\w.-]{0,127}$/, 'an image tag: letters, digits, ".", "_" and "-"');
// Secrets travel inside URLs and configuration files: characters with a meaning there are refused.
const secret = matching(/^[A-Za-z0-9_-]{24,}$/, 'at least 24 letters, digits, "_" or "-"');
const projectName = matching(/^[a-z0-9][a-z0-9_-]*$/, 'lower-case letters, digits, "_" and "-"');
const walSize = matching(/^[1-9]\d*(MB|GB)$/, 'a size such as 512MB or 2GB');

/** Every key .env may hold. `.env.example` is held equal to it by a test. */
export const settingsSpec = {
  COMPOSE_PROJECT_NAME: projectName(),
  COMPOSE_FILE: str(),
  HTTP_PORT: port(),
  HTTPS_PORT: port(),
  IMAGE_NAME: imageReference(),
  IMAGE_TAG: imageTag({ default: undefined }),
  IMAGES: str({ choices: ['official', 'debian'] as const }),
  POSTGRES_IMAGE: imageReference(),
  REDIS_IMAGE: imageReference(),
  NGINX_IMAGE: imageReference(),
  CERTBOT_IMAGE: imageReference(),
  NODE_IMAGE: imageReference(),
  POSTGRES_PASSWORD: secret(),
  POSTGRES_APP_PASSWORD: secret(),
  REDIS_CACHE_PASSWORD: secret(),
  REDIS_QUEUE_PASSWORD: secret(),
  SESSION_SECRET: matching(/^[A-Za-z0-9_-]{32,}$/, 'at least 32 letters, digits, "_" or "-"')(),
  LOG_LEVEL: str({ choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const }),
  UPLOAD_MAX_MB: whole(1, 500)(),
  API_REPLICAS: whole(1, 8)(),
  READY_SECONDS: whole(1, 600)(),
  DRAIN_SECONDS: whole(0, 3600)(),
  STOP_SECONDS: whole(1, 30)(),
  LOCK_TIMEOUT_SECONDS: whole(1, 600)(),
  KEEP_RELEASES: whole(2, 100)(),
  WAL_KEEP_MAX: walSize(),
};

export type SettingKey = keyof typeof settingsSpec;
export const SETTING_KEYS = Object.keys(settingsSpec) as SettingKey[];

/**
 * What a key means when .env does not have it, so that a new key in a new version stops no deploy. Held
 * equal to .env.example and to the defaults in compose/ by a test.
 */
export const DEFAULTS: Readonly<Partial<Record<SettingKey, string>>> = {
  LOG_LEVEL: 'info',
  UPLOAD_MAX_MB: '25',
  API_REPLICAS: '1',
  READY_SECONDS: '60',
  DRAIN_SECONDS: '300',
  STOP_SECONDS: '20',
  LOCK_TIMEOUT_SECONDS: '3',
  KEEP_RELEASES: '5',
  WAL_KEEP_MAX: '2GB',
};

export const SECRET_KEYS: readonly SettingKey[] = SETTING_KEYS.filter((key) => /PASSWORD|SECRET/.test(key));
