import { expect } from 'chai';
import { mediaQueue, openProducerRedis } from '../../src/jobs/queues.ts';
import { watchPool, watchQueue } from '../../src/metrics/backends.ts';
import { serveMetrics } from '../../src/metrics/server.ts';
import { backends, createDatabase, freePort, until } from '../backends/index.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { ready, startRole } from '../support/process.ts';

describe('metrics', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
  });
  after(() => directory.stop());

  const read = () => directory.deps.metrics.registry.metrics();
  const lines = async (name: string) => (await read()).split('\n').filter((line) => line.startsWith(name));

  // With the path as its label a stranger's paths fill the memory (tried).
  it('count requests by route and status, never by what strangers make up', async () => {
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'Measured', city: 'Wien' } });
    for (let n = 0; n < 20; n++) await directory.call('GET', `/api/salons/made-up-${n}`);
    await directory.call('GET', '/nowhere');
    await directory.call('REPORT', '/admin/x');
    const counts = await until('all are counted', async () => {
      const found = await lines('atlas_http_request_duration_seconds_count');
      return found.length === 4 && found;
    });
    expect(counts).to.have.members([
      'atlas_http_request_duration_seconds_count{method="POST",route="/api/salons",status="201"} 1',
      'atlas_http_request_duration_seconds_count{method="GET",route="/api/salons/:slug",status="404"} 20',
      'atlas_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1',
      'atlas_http_request_duration_seconds_count{method="other",route="/admin",status="501"} 1',
    ]);
  });

  it('tell hits from misses', async () => {
    const outcome = async (name: string) =>
      Number((await lines(`atlas_cache_reads_total{outcome="${name}"}`))[0]?.split(' ')[1] ?? 0);
    const missed = await outcome('miss');
    await directory.call('GET', '/api/salons?limit=7');
    expect(await outcome('miss')).to.equal(missed + 1);
    await until('a hit', async () => {
      await directory.call('GET', '/api/salons?limit=7');
      return (await outcome('hit')) > 0;
    });
  });

  it('tell the pool and the queue, and nothing of a queue that is away', async () => {
    const redis = openProducerRedis(backends().redisQueue.url);
    redis.on('error', () => {});
    const queue = mediaQueue(redis, () => {});
    watchPool(directory.deps.metrics, directory.db);
    watchQueue(directory.deps.metrics, queue);
    await until('connected', () => redis.status === 'ready');
    const oldest = async () => Number((await lines('atlas_queue_oldest_waiting'))[0]?.split(' ')[1]);
    expect(await oldest()).to.equal(0);
    await queue.add('media', { photoId: 1 }, { jobId: 'photo-1-v1', timestamp: Date.now() - 900_000 });
    await queue.add('media', { photoId: 2 }, { jobId: 'photo-2-v1' });
    // Broken: the newest instead of the oldest.
    expect(await oldest()).to.be.within(900, 960);
    expect(await lines('atlas_queue_jobs')).to.include('atlas_queue_jobs{queue="media",state="waiting"} 2');
    expect(await lines('atlas_db_pool_connections')).to.include(
      'atlas_db_pool_connections{state="waited_for"} 0',
    );
    await queue.drain();
    redis.disconnect();
    expect(await lines('atlas_queue')).to.deep.equal([]);
    await queue.close().catch(() => {});
  });

  it('are on a port of their own, and nowhere on the one that the proxy asks', async () => {
    const { url, db } = await createDatabase();
    await db.destroy();
    const [port, metricsPort] = [await freePort(), await freePort()];
    const api = startRole(['api'], {
      ...{ DATABASE_URL: url, SESSION_SECRET: 'x'.repeat(32), UPLOADS_DIR: directory.uploads },
      REDIS_CACHE_URL: backends().redisCache.url,
      REDIS_QUEUE_URL: backends().redisQueue.url,
      ...{ PORT: String(port), METRICS_PORT: String(metricsPort), RELEASE: 'v9' },
    });
    try {
      await ready(`http://127.0.0.1:${port}`, api);
      expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).to.equal(404);
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      expect(text).to.contain('atlas_release_info{role="api",release="v9"} 1');
      expect(text).to.contain('atlas_queue_jobs{queue="media",state="failed"} 0');
      expect(text).to.contain('nodejs_eventloop_lag_p99_seconds');
      expect((await fetch(`http://127.0.0.1:${metricsPort}/`)).status).to.equal(404);
    } finally {
      api.child.kill('SIGTERM');
      expect(await api.exit).to.equal(0);
    }
  });

  it('refuse a port that is taken', async () => {
    const port = await freePort();
    const server = await serveMetrics(directory.deps.metrics, port);
    const second = await serveMetrics(directory.deps.metrics, port).catch((error) => error.code);
    expect(second).to.equal('EADDRINUSE');
    server.close();
  });
});
