import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { type Cache, redisCache } from '../../src/cache/cache.ts';
import { openCacheRedis } from '../../src/cache/connection.ts';
import { backends, until } from '../backends/index.ts';

describe('cache', () => {
  let redis: Redis;
  let cache: Cache;
  let namespace: string;
  beforeEach(async () => {
    redis = openCacheRedis(backends().redisCache.url);
    redis.on('error', () => {});
    namespace = `test-${crypto.randomUUID()}`;
    cache = redisCache(redis, namespace);
    await until('the cache is connected', () => redis.status === 'ready');
  });
  afterEach(() => redis.disconnect());

  const read = async (key: string, value: string | undefined) =>
    (await cache.read(key, async () => value))?.toString();
  const holds = (key: string, value: string) =>
    until(`${key} is stored`, async () => (await read(key, 'miss')) === value);

  it('computes once, then remembers', async () => {
    let computed = 0;
    const compute = async () => String(++computed);
    expect((await cache.read('a', compute)).toString()).to.equal('1');
    await holds('a', '1');
    expect((await cache.read('a', compute)).toString()).to.equal('1');
  });

  // Without the map of what is being computed it is computed a hundred times (tried).
  it('is computed once for a hundred who ask at the same time', async () => {
    let computed = 0;
    const compute = async () => {
      computed += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return 'text';
    };
    const all = await Promise.all(Array.from({ length: 100 }, () => cache.read('a', compute)));
    expect(all.map(String)).to.deep.equal(Array(100).fill('text'));
    expect(computed).to.equal(1);
  });

  // A hundred who wait for one failure all hear of it, and the next one tries again.
  it('keeps no failure', async () => {
    const fail = () => cache.read('a', async () => Promise.reject(new Error('away')));
    const outcomes = await Promise.allSettled([fail(), fail()]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    expect(await read('a', 'new')).to.equal('new');
  });

  // With the key alone as the name of what is being computed the second reader gets 'old' (tried).
  for (const away of [false, true])
    it(`gives nobody who asks after a write what was begun before it${away ? ', without Redis' : ''}`, async () => {
      if (away) redis.disconnect();
      let finish = (_value: string) => {};
      const begun = new Promise<void>((started) => {
        cache.read('a', () => {
          started();
          return new Promise<string>((resolve) => {
            finish = resolve;
          });
        });
      });
      await begun;
      await cache.invalidate();
      expect(await read('a', 'new')).to.equal('new');
      finish('old');
    });

  it('lets values that were stored together go at different times', async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
    for (const key of keys) await holds(key, await cache.read(key, async () => key).then(String));
    const left = await Promise.all(keys.map((key) => redis.ttl(`${namespace}:${key}`)));
    expect(Math.min(...left), 'seconds').to.be.at.least(25);
    expect(Math.max(...left) - Math.min(...left), 'seconds apart').to.be.at.least(3);
  });

  it('forgets everything on invalidation, also what was being computed meanwhile', async () => {
    let finish = (_value: string) => {};
    let begun = false;
    const slow = cache.read('a', () => {
      begun = true;
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    });
    await until('the old value is being read', () => begun);
    await cache.invalidate();
    finish('old');
    expect(String(await slow)).to.equal('old');
    // Fails when keys carry no version: the late 'old' then overwrites what the write made true (tried).
    expect(await read('a', 'new')).to.equal('new');
    await holds('a', 'new');
  });

  it('does not remember that there is nothing', async () => {
    expect(await read('a', undefined)).to.equal(undefined);
    expect(await read('a', 'there')).to.equal('there');
  });

  it('survives the eviction of its version without bringing old values back', async () => {
    await cache.read('a', async () => 'old');
    await holds('a', 'old');
    await redis.flushall();
    expect(await read('a', 'new')).to.equal('new');
  });

  it('serves nothing stored before a write that it could not invalidate', async () => {
    await cache.read('a', async () => 'old');
    await holds('a', 'old');
    redis.disconnect();
    await until('disconnected', () => redis.status === 'end');
    await cache.invalidate();
    await redis.connect();
    // Fails when the cache does not remember that it owes an invalidation (tried).
    expect(await read('a', 'new')).to.equal('new');
  });
});
