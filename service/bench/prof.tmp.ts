import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { backends, createDatabase, freePort, startBackends, stopBackends } from '../tests/backends/index.ts';
import { rate } from './figures.ts';

await startBackends();
const { url, db } = await createDatabase();
await db.raw(
  `insert into salons (name, slug, city, description) select 'Salon ' || md5(n::text), 'salon-' || n, 'City ' || n % 100, 'cut and colour ' || md5((n * 7)::text) from generate_series(1, 1000) n`,
);
await db.raw('analyze salons');
const port = await freePort();
const child = spawn(process.execPath, ['--cpu-prof', '--cpu-prof-dir=/tmp/prof', 'dist/main.js', 'api'], {
  env: {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    PORT: String(port),
    UPLOADS_DIR: '/tmp/prof-up',
    RATE_LIMIT: '0',
    DATABASE_URL: url,
    REDIS_QUEUE_URL: backends().redisQueue.url,
    REDIS_CACHE_URL: process.env.CACHED ? backends().redisCache.url : 'redis://127.0.0.1:1',
    SESSION_SECRET: 'x'.repeat(32),
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
child.stdout.resume();
for (;;) {
  const s = await fetch(`http://127.0.0.1:${port}/readyz`).then(
    (r) => r.status,
    () => 0,
  );
  if (s > 0) break;
  await new Promise((r) => setTimeout(r, 50));
}
writeFileSync(
  '/tmp/detail.lua',
  'request = function() return wrk.format("GET", "/api/salons/salon-" .. math.random(1000)) end\n',
);
writeFileSync(
  '/tmp/list.lua',
  'request = function() return wrk.format("GET", "/api/salons?city=City%20" .. math.random(0, 99)) end\n',
);
console.log(rate(`http://127.0.0.1:${port}`, process.env.LIST ? '/tmp/list.lua' : '/tmp/detail.lua'));
child.kill('SIGTERM');
await once(child, 'exit');
await db.destroy();
await stopBackends();
