import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { send, waitFor } from '../client.ts';
import { stack } from '../stack.ts';
import { containerNames, mustMake } from '../zero-loss/under-load.ts';

const get = (path: string, headers: Record<string, string> = {}) => send('GET', path, { headers });
/** A list that nobody has asked for yet: salons of a city that is new. */
const freshList = () => {
  const city = `City ${randomBytes(6).toString('hex')}`;
  return { city, path: `/api/salons?city=${encodeURIComponent(city)}` };
};
const cacheOf = (answer: { headers: Record<string, unknown> }) => answer.headers['x-cache'];
const namesOf = (answer: Awaited<ReturnType<typeof send>>) => answer.json().items?.map((one) => one.name);

/** Anybody sees it within the second that an answer is kept and the 15 that it may be shown longer. */
const untilListed = (path: string, name: string) =>
  waitFor(
    `${name} in the list`,
    async () => namesOf(await get(path)),
    (names) => names?.includes(name) === true,
    16,
  );

describe('the micro-cache', function () {
  this.timeout(240_000);
  let token: string;

  before(async () => {
    token = (await mustMake('token', { NAME: 'edge' })).stdout.trim();
  });

  const createSalon = async (
    city: string,
    published: boolean,
    name = `Salon ${randomBytes(4).toString('hex')}`,
  ) => {
    const { status } = await send('POST', '/api/salons', { token, json: { name, city, published } });
    expect(status).to.equal(201);
    return name;
  };

  it('answers an anonymous GET once from the service, then from memory, HEAD too', async () => {
    const { path } = freshList();
    const first = await get(path);
    expect(cacheOf(first)).to.equal('MISS');
    expect(first.headers['cache-control']).to.contain('s-maxage=1');
    const second = await get(path);
    expect(cacheOf(second)).to.equal('HIT');
    expect(second.body.equals(first.body)).to.equal(true);
    expect(cacheOf(await send('HEAD', path))).to.equal('HIT');
  });

  // With $http_authorization taken out of the map the token's holder is shown what anybody sees.
  it("never gives what a token's holder sees to anybody else, nor the other way round", async () => {
    const { city, path } = freshList();
    const hidden = await createSalon(city, false);
    for (let round = 0; round < 5; round += 1) {
      const own = await send('GET', path, { token });
      expect(namesOf(own), 'its holder').to.deep.equal([hidden]);
      expect(cacheOf(own)).to.equal('BYPASS');
      expect(own.headers['cache-control']).to.equal('no-store');
      expect(namesOf(await get(path)), 'anybody').to.deep.equal([]);
    }
  });

  // With proxy_cache_lock for every path they wait for each other, up to 5 s.
  it('lets requests whose answer cannot be shared go side by side', async () => {
    const started = Date.now();
    const all = await Promise.all(Array.from({ length: 60 }, () => get('/livez')));
    expect(all.every(({ status }) => status === 200)).to.equal(true);
    const together = Date.now() - started;
    const startedAlone = Date.now();
    for (let n = 0; n < 60; n += 1) await get('/livez');
    expect(together, 'not slower than one after the other').to.be.below(
      1000 + 2 * (Date.now() - startedAlone),
    );
  });

  // Without proxy_no_cache the answer is kept; with $http_cookie taken out of the map it is answered with HIT.
  it('neither keeps nor serves anything when there is a cookie', async () => {
    const { path } = freshList();
    const cookie = { cookie: 'atlas_admin=x' };
    expect(cacheOf(await get(path, cookie))).to.equal('BYPASS');
    expect(cacheOf(await get(path)), 'nothing was kept').to.equal('MISS');
    expect(cacheOf(await get(path, cookie)), 'nothing is served').to.equal('BYPASS');
  });

  it('keeps nothing that the service does not share: errors, the readiness, the panel with its cookies', async () => {
    for (const path of ['/readyz', '/livez', '/api/salons?limit=0']) {
      await get(path);
      expect(cacheOf(await get(path)), path).to.equal('MISS');
    }
    const login = await get('/admin/login');
    expect(login.status).to.equal(200);
    expect(cacheOf(login)).to.equal(undefined);
  });

  // With $host instead of $http_host in the key, a port in Host is enough to share an entry.
  it('cannot be poisoned by Host, nor by forwarded headers', async () => {
    const { path } = freshList();
    const clean = (await get(freshList().path)).headers;
    for (const name of [
      'host',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-forwarded-for',
      'forwarded',
      'x-original-url',
    ]) {
      const target = name === 'host' ? path : freshList().path;
      const evil = await get(target, { [name]: name === 'forwarded' ? 'host=evil.example' : 'evil.example' });
      expect(JSON.stringify(evil.headers) + evil.body, name).to.not.contain('evil.example');
      const after = await get(target);
      expect(cacheOf(after), `after ${name}`).to.equal(name === 'host' ? 'MISS' : 'HIT');
      expect(Object.keys(after.headers)).to.have.members(Object.keys(clean));
    }
    const withPort = freshList().path;
    await get(withPort, { host: 'localhost:1' });
    expect(cacheOf(await get(withPort)), 'after another port').to.equal('MISS');
  });

  // With `proxy_ignore_headers Cache-Control` and a proxy_cache_valid of a minute nobody sees it in time, what the service does
  // not share is kept, and what was kept outlives its bound.
  it('shows a change within the second and the 15 that the service allows', async () => {
    const { city, path } = freshList();
    expect(namesOf(await get(path))).to.deep.equal([]);
    const written = Date.now();
    const name = await createSalon(city, true);
    await untilListed(path, name);
    expect((Date.now() - written) / 1000).to.be.below(16);
  });

  // Without proxy_cache_lock many of them are MISS.
  it('asks the service once for a crowd', async () => {
    const { path } = freshList();
    const connections = Array.from({ length: 60 }, () => get('/livez'));
    await Promise.all(connections); // open now, so that the crowd comes at one moment
    const crowd = await Promise.all(Array.from({ length: 60 }, () => get(path)));
    const caches = crowd.map((answer) => String(cacheOf(answer)));
    expect(caches.filter((one) => one === 'MISS')).to.have.length(1);
    expect(
      caches.every((one) => ['MISS', 'HIT', 'STALE', 'UPDATING'].includes(one)),
      caches.join(),
    ).to.equal(true);
  });

  // With `proxy_cache_use_stale error` it would go on for ever.
  it('goes on for a minute without the service, then says so', async () => {
    const { sh } = stack();
    const { city, path } = freshList();
    const name = await createSalon(city, true);
    await untilListed(path, name);
    const api = await containerNames('api'); // whichever an earlier deploy has left
    await sh('docker', 'stop', ...api);
    const stopped = Date.now();
    try {
      await waitFor(
        'what was kept is shown',
        async () => cacheOf(await get(path)),
        (cache) => cache === 'STALE',
        10,
      );
      expect(namesOf(await get(path))).to.deep.equal([name]);
      expect((await get(freshList().path)).status, 'what was not kept').to.equal(503);
      await waitFor(
        'the end of it',
        async () => (await get(path)).status,
        (status) => status === 503,
        90,
      );
      expect((Date.now() - stopped) / 1000, 'the bound').to.be.within(45, 80);
    } finally {
      await sh('docker', 'start', ...api);
      await waitFor(
        'the api',
        async () => (await get('/readyz')).status,
        (status) => status === 200,
      );
    }
  });
});
