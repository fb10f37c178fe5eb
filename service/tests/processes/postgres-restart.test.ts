import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { insertToken, newToken } from '../../src/db/tokens.ts';
import { backends, createDatabase, freePort, until } from '../backends/index.ts';
import { ready, startRole } from '../support/process.ts';

interface Result {
  status: number;
  at: number;
  seconds: number;
}

describe('a restart of postgres under load', function () {
  this.timeout(60_000);

  // Without db/unavailable.ts the errors are 500s (tried).
  it('costs errors only while it is away, all of them 503, soon told, and needs nobody', async () => {
    const { url: databaseUrl, db } = await createDatabase();
    const token = newToken();
    await insertToken(db, 'load', token);
    await db.destroy();
    const uploads = await mkdtemp(join(tmpdir(), 'atlas-restart-'));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const api = startRole(['api'], {
      ...{
        DATABASE_URL: databaseUrl,
        SESSION_SECRET: 'x'.repeat(32),
        UPLOADS_DIR: uploads,
        PORT: String(port),
      },
      REDIS_CACHE_URL: backends().redisCache.url,
      REDIS_QUEUE_URL: backends().redisQueue.url,
    });
    await ready(url, api);
    const results: Result[] = [];
    let done = false;
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const client = async (n: number) => {
      while (!done) {
        const started = performance.now();
        const body = n % 2 ? JSON.stringify({ name: `Load ${n}`, city: 'Wien' }) : undefined;
        const init = body ? { method: 'POST', body, headers } : { headers };
        const { status } = await fetch(`${url}/api/salons`, init).then(async (answer) => {
          await answer.arrayBuffer();
          return answer;
        });
        results.push({ status, at: started, seconds: (performance.now() - started) / 1000 });
        await pause(5);
      }
    };
    const clients = Array.from({ length: 8 }, (_, n) => client(n));
    const isError = ({ status }: Result) => status !== 200 && status !== 201;
    await until('the load is on', () => results.length > 100);
    const began = performance.now();
    let back = 0;
    await backends().postgres.restart(async () => {
      await until('everybody has met it', () => results.filter(isError).length >= 24);
      back = performance.now();
    });
    const answering = performance.now();
    await until(
      'it serves again',
      () => results.filter((one) => one.at > answering && !isError(one)).length > 100,
    );
    done = true;
    await Promise.all(clients);

    const errors = results.filter(isError);
    expect(new Set(errors.map(({ status }) => status))).to.deep.equal(new Set([503]));
    expect(Math.min(...errors.map(({ at, seconds }) => at + seconds * 1000)), 'first').to.be.greaterThan(
      began,
    );
    // Those that came while it started may wait for it, or be refused; none that came later.
    expect(errors.filter(({ at }) => at > answering)).to.deep.equal([]);
    expect(Math.max(...errors.map(({ seconds }) => seconds)), 'seconds to be told').to.be.below(6);
    expect(back).to.be.lessThan(answering);
    expect((await fetch(`${url}/readyz`)).status).to.equal(200);
    expect(api.child.exitCode, 'the process went on').to.equal(null);
    api.child.kill('SIGTERM');
    expect(await api.exit).to.equal(0);
    await rm(uploads, { recursive: true });
  });
});
