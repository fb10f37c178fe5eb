import { expect } from 'chai';
import { Redis } from 'ioredis';
import { openCacheRedis } from '../../src/cache/connection.ts';
import { type RateLimits, redisRateLimits } from '../../src/cache/rate-limits.ts';
import { insertToken, newToken, revokeToken } from '../../src/db/tokens.ts';
import { backends, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';

/** Ten of these are allowed within ten seconds. */
const PER_SECOND = 1;

describe('the rate limit', () => {
  let directory: TestDirectory;
  let redis: Redis;
  let limits: RateLimits;

  beforeEach(async () => {
    redis = openCacheRedis(backends().redisCache.url);
    redis.on('error', () => {});
    await until('Redis is connected', () => redis.status === 'ready');
    limits = redisRateLimits(redis, `test-${crypto.randomUUID()}`, PER_SECOND);
    directory = await startDirectory({ limits });
  });
  afterEach(async () => {
    await directory.stop();
    redis.disconnect();
  });

  const from = (ip: string, token?: string, more = {}) => ({
    headers: { 'X-Forwarded-For': ip, ...(token && { Authorization: `Bearer ${token}` }), ...more },
  });
  const ask = (ip: string, token?: string, more = {}) =>
    directory.call('GET', '/api/salons', from(ip, token, more));
  const statuses = async (count: number, send: (i: number) => ReturnType<typeof ask>) =>
    (await Promise.all(Array.from({ length: count }, (_, i) => send(i)))).map(({ status }) => status);
  const count = (list: number[], status: number) => list.filter((one) => one === status).length;

  // Mutation tried, here and for tokens: a limit that is twice as high.
  it('lets one address ask so often, and says to others nothing', async () => {
    const answers = await statuses(15, () => ask('192.0.2.1'));
    expect([count(answers, 200), count(answers, 429)]).to.deep.equal([10, 5]);
    const refused = await ask('192.0.2.1');
    expect(refused.headers.get('content-type')).to.match(/^application\/problem\+json/);
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 10);
    expect((await ask('192.0.2.2')).status).to.equal(200);
    expect((await directory.call('GET', '/livez', from('192.0.2.1'))).status).to.equal(200);
    expect((await directory.call('GET', '/api/nothing', from('192.0.2.1'))).status).to.equal(429);
  });

  it('takes a /64 for one address', async () => {
    const answers = await statuses(12, (i) => ask(`2001:db8:1:2::${(i + 1).toString(16)}`));
    expect(count(answers, 429)).to.equal(2);
    expect((await ask('2001:db8:1:3::1')).status).to.equal(200);
  });

  it('counts a token wherever it asks from, and not its address', async () => {
    const answers = await statuses(12, (i) => ask(`192.0.2.${i + 1}`, directory.token));
    expect([count(answers, 200), count(answers, 429)]).to.deep.equal([10, 2]);
    expect((await ask('192.0.2.1')).status).to.equal(200);
    const other = newToken();
    await insertToken(directory.db, 'other', other);
    expect((await ask('192.0.2.1', other)).status).to.equal(200);
  });

  // Mutation tried: no wait before the database is asked; the right guess came through.
  it('makes an address wait after thirty wrong tokens, even with the right one', async () => {
    const answers = await statuses(40, () => ask('192.0.2.1', newToken()));
    expect(count(answers, 401)).to.be.at.most(30);
    const right = await ask('192.0.2.1', directory.token);
    expect(right.status).to.equal(429);
    expect(Number(right.headers.get('retry-after'))).to.be.within(11, 60);
    expect((await ask('192.0.2.2', directory.token)).status).to.equal(200);
    expect((await ask('192.0.2.1')).status).to.equal(200);
  });

  it('takes a token that was good once for forgotten, not for guessed', async () => {
    const token = newToken();
    await revokeToken(directory.db, await insertToken(directory.db, 'lost', token));
    const answers = await statuses(40, () => ask('192.0.2.1', token));
    expect([count(answers, 401), count(answers, 429)]).to.deep.equal([10, 30]);
    expect((await ask('192.0.2.1', directory.token)).status).to.equal(200);
  });

  it('counts nobody whose address the engine hides', async () => {
    const answers = await statuses(20, () => ask('172.18.0.1', undefined, { 'X-Sender-Hidden': '1' }));
    expect(count(answers, 200)).to.equal(20);
  });

  // Mutation tried: rethrowing what is no refusal.
  it('lets everybody ask and write while Redis is away, at once', async () => {
    await backends().redisCache.stop();
    try {
      await until('the connection has noticed', () => redis.status !== 'ready');
      const started = performance.now();
      const answers = await statuses(20, () => ask('192.0.2.1'));
      expect(count(answers, 200)).to.equal(20);
      const json = { name: 'Studio', city: 'Wien' };
      expect((await directory.call('POST', '/api/salons', { as: 'owner', json })).status).to.equal(201);
      expect((await ask('192.0.2.1', newToken())).status).to.equal(401);
      expect(performance.now() - started, 'ms').to.be.lessThan(3_000);
    } finally {
      await backends().redisCache.start();
    }
    await until('it counts again', async () => count(await statuses(11, () => ask('192.0.2.3')), 429) > 0);
  });

  it('waits for a Redis that hangs no longer than its connection may', async () => {
    const pauser = new Redis(backends().redisCache.url);
    await pauser.call('CLIENT', 'PAUSE', '2000', 'ALL');
    try {
      const started = performance.now();
      expect(await limits.takeAddress('192.0.2.1')).to.equal(0);
      expect(await limits.wrongTokenWait('192.0.2.1')).to.equal(0);
      expect(performance.now() - started, 'ms').to.be.lessThan(1_000);
    } finally {
      await pauser.call('CLIENT', 'UNPAUSE').catch(() => {});
      pauser.disconnect();
    }
  });

  it('is no question at all when nothing is limited', async () => {
    await directory.stop();
    directory = await startDirectory();
    await redis.config('RESETSTAT');
    await directory.call('GET', '/api/salons/nowhere', from('192.0.2.1', directory.token));
    await directory.call('GET', '/api/salons/nowhere', from('192.0.2.1', newToken()));
    expect(await redis.info('commandstats')).not.to.match(/cmdstat_(get|evalsha|eval|incrby)/);
  });
});
