import { expect } from 'chai';
import { loadConfig } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';

const good = {
  DATABASE_URL: 'postgres://atlas:s3cret-db@postgres:5432/atlas',
  REDIS_CACHE_URL: 'redis://:s3cret-cache@redis_cache:6379',
  REDIS_QUEUE_URL: 'redis://:s3cret-queue@redis_queue:6380',
  SESSION_SECRET: 'x'.repeat(32),
};

const bucket = {
  MEDIA_STORAGE: 's3',
  MEDIA_S3_REGION: 'fra1',
  MEDIA_S3_BUCKET: 'photos',
  MEDIA_S3_ACCESS_KEY_ID: 'key',
  MEDIA_S3_SECRET_ACCESS_KEY: 's3cret/with+signs=',
};

function refusal(role: Parameters<typeof loadConfig>[0], env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(role, env);
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('accepted');
}

describe('config', () => {
  it('gives each role its defaults and its own port', () => {
    expect(loadConfig('api', good)).to.deep.equal({
      ...good,
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      RELEASE: 'dev',
      PORT: 3000,
      UPLOADS_DIR: '/uploads',
      UPLOAD_MAX_MB: 25,
      PANEL_STATUS_FILE: '/panel/status.json',
      RATE_LIMIT: 100,
      STOP_SECONDS: 20,
      MEDIA_STORAGE: 'local',
      MEDIA_S3_PATH_STYLE: false,
    });
    expect(loadConfig('worker', { ...good, PORT: '' }).PORT).to.equal(3001);
  });

  it('gives a role no secret that it does not need', () => {
    expect(loadConfig('worker', good)).to.not.have.property('SESSION_SECRET');
    const { DATABASE_URL } = good;
    expect(Object.keys(loadConfig('migrate', good))).to.not.include.members([
      'REDIS_CACHE_URL',
      'REDIS_QUEUE_URL',
    ]);
    for (const role of ['migrate', 'command'] as const)
      expect(Object.keys(loadConfig(role, { ...good, ...bucket })).join()).to.not.match(/MEDIA/);
    expect(loadConfig('migrate', { DATABASE_URL }).LOCK_TIMEOUT_SECONDS).to.equal(10);
  });

  it('wants everything about a bucket once photos are to be there, and to copy them there', () => {
    const config = loadConfig('api', { ...good, ...bucket, MEDIA_S3_PATH_STYLE: 'true' });
    expect(config).to.include({ ...bucket, MEDIA_S3_PATH_STYLE: true });
    const missing = [
      '  MEDIA_S3_REGION: missing; expected a region such as eu-central-1',
      "  MEDIA_S3_BUCKET: missing; expected a bucket's name",
      '  MEDIA_S3_ACCESS_KEY_ID: missing; expected the access key of the bucket',
      '  MEDIA_S3_SECRET_ACCESS_KEY: missing; expected the secret of that access key',
    ];
    for (const role of ['api', 'worker'] as const) {
      const message = refusal(role, { ...good, MEDIA_STORAGE: 's3', MEDIA_S3_BUCKET: '' });
      expect(message.split('\n').slice(1)).to.have.members(missing);
    }
    expect(refusal('media', good).split('\n').slice(1)).to.have.members(missing);
    expect(loadConfig('media', { ...good, ...bucket, MEDIA_STORAGE: 'local' })).to.include({
      MEDIA_S3_BUCKET: 'photos',
    });
  });

  it('refuses what cannot be a bucket, and shows no value', () => {
    const message = refusal('worker', {
      ...good,
      ...bucket,
      MEDIA_S3_ENDPOINT: 'https://host/photos',
      MEDIA_S3_BUCKET: 'Photos!s3cret',
      MEDIA_S3_PATH_STYLE: 'yes',
      MEDIA_S3_PUBLIC_URL: 'cdn.example.org',
    });
    expect(message.split('\n').slice(1)).to.have.members([
      '  MEDIA_S3_ENDPOINT: malformed; expected https://host without a path',
      "  MEDIA_S3_BUCKET: malformed; expected a bucket's name",
      '  MEDIA_S3_PATH_STYLE: malformed; expected true or false',
      '  MEDIA_S3_PUBLIC_URL: malformed; expected https://host of a CDN or bucket',
    ]);
    expect(message).to.not.contain('s3cret');
  });

  it('names every bad key at once with what is expected, and no value', () => {
    const message = refusal('api', {
      ...good,
      DATABASE_URL: 'mysql://atlas:s3cret-db@postgres/atlas',
      REDIS_CACHE_URL: '',
      SESSION_SECRET: 's3cret-short',
      PORT: '70000',
      UPLOAD_MAX_MB: '-1',
      RATE_LIMIT: 'many',
      STOP_SECONDS: '1e1',
      LOG_LEVEL: 'loud',
      UPLOADS_DIR: 'relative',
      ATLAS_PORT: '3000',
    });
    expect(message.split('\n').slice(1)).to.have.members([
      '  DATABASE_URL: malformed; expected postgres://user:password@host:port/database',
      '  REDIS_CACHE_URL: missing; expected redis://:password@host:port',
      '  SESSION_SECRET: malformed; expected a random string of at least 32 characters',
      '  PORT: malformed; expected a port number, 1 to 65535',
      '  UPLOAD_MAX_MB: malformed; expected a whole number of megabytes, 1 to 1024',
      '  RATE_LIMIT: malformed; expected a whole number of requests a second, 0 to 100000',
      '  STOP_SECONDS: malformed; expected a whole number of seconds, 1 to 30',
      '  LOG_LEVEL: malformed; expected trace, debug, info, warn, error, fatal or silent',
      '  UPLOADS_DIR: malformed; expected an absolute path',
      '  ATLAS_PORT: unknown; no ATLAS_* variable is read, remove it',
    ]);
    expect(message).to.not.contain('s3cret');
  });
});
