import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { type Breaker, circuitBreaker, RedisAwayError } from '../../src/cache/breaker.ts';
import { redisCache } from '../../src/cache/cache.ts';
import { openCacheRedis } from '../../src/cache/connection.ts';
import { redisRateLimits } from '../../src/cache/rate-limits.ts';
import { backends, until } from '../backends/index.ts';
import { startTcpProxy, type TcpProxy } from '../backends/tcp-proxy.ts';

describe('the breaker in front of redis_cache', () => {
  let proxy: TcpProxy;
  let redis: Redis;
  let breaker: Breaker;
  /** Commands that went to Redis and not to the breaker's own probe. */
  let asked: number;

  beforeEach(async () => {
    proxy = await startTcpProxy(Number(new URL(backends().redisCache.url).port));
    redis = openCacheRedis(proxy.url.replace('http:', 'redis:'));
    redis.on('error', () => {});
    await until('Redis is connected', () => redis.status === 'ready');
    breaker = circuitBreaker(redis);
    asked = 0;
  });
  afterEach(async () => {
    redis.disconnect();
    await proxy.stop();
  });

  const ask = () =>
    breaker.ask(() => {
      asked += 1;
      return redis.echo('here');
    });

  it('asks a Redis that takes commands and never answers once, and again when it answers', async () => {
    expect(await ask()).to.equal('here');
    proxy.mode('hang');
    const first = await ask().catch((error: Error) => error);
    expect(first).to.have.property('message', 'Command timed out');
    asked = 0;
    for (let n = 0; n < 100; n += 1)
      expect(await ask().catch((error) => error)).to.be.instanceOf(RedisAwayError);
    // 100, each of which waited for 200 ms, when a failure does not open it (tried).
    expect(asked).to.equal(0);
    // What the wire has swallowed never comes; the connection is another one.
    proxy.mode('pass');
    redis.disconnect(true);
    expect(await until('asked again', () => ask().catch(() => false))).to.equal('here');
  });

  it('takes an error for an answer', async () => {
    const wrong = await breaker.ask(() => redis.call('NONSENSE')).catch((error: Error) => error);
    expect(wrong).to.have.property('name', 'ReplyError');
    // RedisAwayError when every error opens it (tried).
    expect(await ask()).to.equal('here');
  });

  it('asks nothing of a Redis that is gone', async () => {
    redis.disconnect();
    await until('disconnected', () => redis.status === 'end');
    expect(await ask().catch((error) => error)).to.be.instanceOf(RedisAwayError);
    expect(asked).to.equal(0);
  });

  it('is one for the cache and the rate limits: together they wait once', async () => {
    const outcomes: string[] = [];
    const cache = redisCache(redis, 'breaker', (outcome) => outcomes.push(outcome), breaker);
    const limits = redisRateLimits(redis, 'breaker', 1, breaker);
    proxy.mode('hang');
    expect(await limits.takeAddress('192.0.2.1')).to.equal(0);
    const sent: string[] = [];
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, ...rest) => {
      if (command.name !== 'ping') sent.push(command.name);
      return send(command, ...rest);
    };
    for (let n = 0; n < 50; n += 1) {
      expect(await limits.takeAddress('192.0.2.1')).to.equal(0);
      expect(String(await cache.read(`key-${n}`, async () => 'computed'))).to.equal('computed');
    }
    // Dozens when the rate limits do not go through it (tried).
    expect(sent).to.deep.equal([]);
    expect(new Set(outcomes)).to.deep.equal(new Set(['away']));
    // A write asks all the same: others may hold what it has changed.
    await cache.invalidate();
    expect(sent).to.deep.equal(['set']);
  });
});
