import { email, makeValidator, port, str, url } from 'envalid';

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
// https://datatracker.ietf.org/doc/html/rfc1123#section-2 - and IPv4 or IPv6, which certificates can name too
const host =
  '(?=[^,]{1,253}(?:,|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|[0-9a-f:]*:[0-9a-f:]+';
const domains = matching(
  new RegExp(`^(?:${host})(?:,(?:${host}))*$`),
  'host names such as example.org,www.example.org, or an IP address; lower case',
);
const ranges = matching(
  /^[0-9a-f.:]+(\/\d{1,3})?(,[0-9a-f.:]+(\/\d{1,3})?)*$/i,
  'addresses or ranges such as 192.0.2.0/24,2001:db8::/32',
);
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const bucketName = matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket's name");
const walSize = matching(/^[1-9]\d*(MB|GB)$/, 'a size such as 512MB or 2GB');

/** Every key .env may hold. `.env.example` is held equal to it by a test. */
export const settingsSpec = {
  COMPOSE_PROJECT_NAME: projectName(),
  COMPOSE_FILE: str(),
  HTTP_PORT: port(),
  HTTPS_PORT: port(),
  DOMAIN: domains({ default: undefined }),
  ACME_EMAIL: email({ default: undefined }),
  ACME_SERVER: url(),
  ACME_CA_FILE: str({ default: undefined }),
  ACME_CHECK: str({ choices: ['on', 'off'] as const }),
  ACME_CHECK_SECONDS: whole(10, 86_400)(),
  TLS_CERT: str({ default: undefined }),
  TLS_KEY: str({ default: undefined }),
  RATE_LIMIT: whole(0, 100_000)(),
  TRUSTED_PROXIES: ranges({ default: undefined }),
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
  POSTGRES_WAL_PASSWORD: secret({ default: undefined }),
  REDIS_CACHE_PASSWORD: secret(),
  REDIS_QUEUE_PASSWORD: secret(),
  SESSION_SECRET: matching(/^[A-Za-z0-9_-]{32,}$/, 'at least 32 letters, digits, "_" or "-"')(),
  MEDIA_STORAGE: str({ choices: ['local', 's3'] as const }),
  MEDIA_S3_ENDPOINT: url({ default: undefined }),
  MEDIA_S3_REGION: matching(/^[\w-]{1,64}$/, 'a region such as eu-central-1')({ default: undefined }),
  MEDIA_S3_BUCKET: bucketName({ default: undefined }),
  MEDIA_S3_ACCESS_KEY_ID: str({ default: undefined }),
  MEDIA_S3_SECRET_ACCESS_KEY: str({ default: undefined }),
  MEDIA_S3_PATH_STYLE: str({ choices: ['true', 'false'] as const }),
  MEDIA_S3_PUBLIC_URL: url({ default: undefined }),
  LOG_LEVEL: str({ choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const }),
  UPLOAD_MAX_MB: whole(1, 500)(),
  API_REPLICAS: whole(1, 8)(),
  READY_SECONDS: whole(1, 600)(),
  DRAIN_SECONDS: whole(0, 3600)(),
  STOP_SECONDS: whole(1, 30)(),
  LOCK_TIMEOUT_SECONDS: whole(1, 600)(),
  KEEP_RELEASES: whole(2, 100)(),
  WAL_KEEP_MAX: walSize(),
  BACKUP_KEEP_DAYS: whole(1, 3650)(),
  BASE_FULL_BELOW_MB: whole(0, 10_000_000)(),
  BACKUP_S3_ENDPOINT: url({ default: undefined }),
  BACKUP_S3_REGION: matching(/^[\w-]{1,64}$/, 'a region such as eu-central-1')({ default: undefined }),
  BACKUP_S3_BUCKET: bucketName({ default: undefined }),
  BACKUP_S3_PREFIX: matching(
    /^[\w.-]+(\/[\w.-]+)*$/,
    'a path without slashes at its ends, such as atlas/production',
  )({
    default: undefined,
  }),
  BACKUP_S3_ACCESS_KEY_ID: str({ default: undefined }),
  BACKUP_S3_SECRET_ACCESS_KEY: str({ default: undefined }),
  BACKUP_S3_PATH_STYLE: str({ choices: ['true', 'false'] as const }),
  BACKUP_S3_LIMIT_MBIT: whole(0, 100_000)(),
  BACKUP_S3_KEEP_DAYS: whole(1, 3650)(),
  BACKUP_AGE_RECIPIENTS: matching(
    /^age1[a-z0-9]+(,age1[a-z0-9]+)*$/,
    'public keys of age with commas between them: age1…',
  )({
    default: undefined,
  }),
  CRON: str({ choices: ['on', 'off'] as const }),
  ALERT_URL: url({ default: undefined }),
  HEARTBEAT_URL: url({ default: undefined }),
};

export type SettingKey = keyof typeof settingsSpec;
export const SETTING_KEYS = Object.keys(settingsSpec) as SettingKey[];

/**
 * What a key means when .env does not have it, so that a new key in a new version stops no deploy. Held
 * equal to .env.example and to the defaults in compose/ by a test.
 */
export const DEFAULTS: Readonly<Partial<Record<SettingKey, string>>> = {
  ACME_SERVER: 'https://acme-v02.api.letsencrypt.org/directory',
  ACME_CHECK: 'on',
  ACME_CHECK_SECONDS: '28800',
  RATE_LIMIT: '100',
  MEDIA_STORAGE: 'local',
  MEDIA_S3_PATH_STYLE: 'false',
  LOG_LEVEL: 'info',
  UPLOAD_MAX_MB: '25',
  API_REPLICAS: '1',
  READY_SECONDS: '60',
  DRAIN_SECONDS: '300',
  STOP_SECONDS: '20',
  LOCK_TIMEOUT_SECONDS: '3',
  KEEP_RELEASES: '5',
  WAL_KEEP_MAX: '2GB',
  BACKUP_KEEP_DAYS: '7',
  BASE_FULL_BELOW_MB: '4096',
  BACKUP_S3_PATH_STYLE: 'false',
  BACKUP_S3_LIMIT_MBIT: '0',
  BACKUP_S3_KEEP_DAYS: '30',
  CRON: 'on',
};

export const SECRET_KEYS: readonly SettingKey[] = SETTING_KEYS.filter((key) =>
  /PASSWORD|SECRET|(ALERT|HEARTBEAT)_URL/.test(key),
);
/** Those that are ours to choose; the others come from somebody else. */
export const GENERATED_KEYS = SECRET_KEYS.filter((key) => !/^(MEDIA|BACKUP|ALERT|HEARTBEAT)_/.test(key));
/** Those among them that an older .env does not have: deploy adds them, and gives them to whoever they are for. */
export const ADDED_KEYS: readonly SettingKey[] = ['POSTGRES_WAL_PASSWORD'];
