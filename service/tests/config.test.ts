import { expect } from 'chai';
import { loadConfig } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';

const good = {
  DATABASE_URL: 'postgres://atlas:s3cret-db@postgres:5432/atlas',
  REDIS_CACHE_URL: 'redis://:s3cret-cache@redis_cache:6379',
  REDIS_QUEUE_URL: 'redis://:s3cret-queue@redis_queue:6380',
  SESSION_SECRET: 'x'.repeat(32),
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
      STOP_SECONDS: 20,
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
    expect(loadConfig('migrate', { DATABASE_URL }).LOCK_TIMEOUT_SECONDS).to.equal(10);
  });

  it('names every bad key at once with what is expected, and no value', () => {
    const message = refusal('api', {
      ...good,
      DATABASE_URL: 'mysql://atlas:s3cret-db@postgres/atlas',
      REDIS_CACHE_URL: '',
      SESSION_SECRET: 's3cret-short',
      PORT: '70000',
      UPLOAD_MAX_MB: '-1',
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
      '  STOP_SECONDS: malformed; expected a whole number of seconds, 1 to 30',
      '  LOG_LEVEL: malformed; expected trace, debug, info, warn, error, fatal or silent',
      '  UPLOADS_DIR: malformed; expected an absolute path',
      '  ATLAS_PORT: unknown; no ATLAS_* variable is read, remove it',
    ]);
    expect(message).to.not.contain('s3cret');
  });
});
