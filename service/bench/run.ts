/**
 * `make bench PART=service`: what the bundled service costs beside the least that could do its work, on this machine
 * and in one run. Results go to stdout.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Knex } from 'knex';
import { insertToken, newToken } from '../src/db/tokens.ts';
import { createDatabase, startBackends, stopBackends } from '../tests/backends/index.ts';
import { median, p99, rate } from './figures.ts';
import { makePhotos, throughPipeline, throughSharp } from './photos.ts';
import {
  compileBundle,
  type Ground,
  type Measured,
  makeUploads,
  removeUploads,
  startBare,
  startBundled,
} from './service.ts';

const ROUNDS = 3;
const SALONS = 1_000;
const MANY = 100_000;

const say = (text: string) => process.stdout.write(`${text}\n`);
const line = (what: string, value: string, goal = '') =>
  say(`${what.padEnd(58)}${value.padStart(12)}   ${goal}`);

async function fill(db: Knex, count: number): Promise<void> {
  await db.raw(
    `insert into salons (name, slug, city, description)
     select 'Salon ' || md5(n::text), 'salon-' || n, 'City ' || n % 100, 'cut and colour ' || md5((n * 7)::text)
     from generate_series(1, ?) n`,
    [count],
  );
  await db.raw('analyze salons');
}

async function measureBoot(ground: Ground): Promise<void> {
  compileBundle();
  for (const role of ['api', 'worker'] as const) {
    const boots: number[] = [];
    let rss = 0;
    for (let round = 0; round < 5; round += 1) {
      const process = await startBundled(role, ground);
      boots.push(process.bootSeconds);
      await pause(2_000); // until it is idle
      rss = process.rssMegabytes();
      await process.stop();
    }
    line(`${role}: start to ready`, `${median(boots).toFixed(2)} s`, role === 'api' ? 'goal 0.6' : '');
    line(`${role}: resident memory, idle`, `${rss.toFixed(0)} MB`);
  }
}

async function measureRates(ground: Ground): Promise<void> {
  const servers: Record<string, Measured> = {
    bare: await startBare(ground),
    cached: await startBundled('api', ground),
    away: await startBundled('api', ground, true),
  };
  const each = (name: string, path: string) => {
    const file = join(ground.uploads, `${name}.lua`);
    writeFileSync(file, `request = function() return wrk.format("GET", ${path}) end\n`);
    return file;
  };
  // Different ones: what is asked for at the same time is computed once.
  const detail = each('detail', `"/api/salons/salon-" .. math.random(${SALONS})`);
  const list = each('list', '"/api/salons?city=City%20" .. math.random(0, 99)');
  const cases: Record<string, () => number> = {
    bare: () => rate(`${servers.bare?.url}/`),
    'detail, cached': () => rate(`${servers.cached?.url}`, detail),
    'list of 10, cached': () => rate(`${servers.cached?.url}`, list),
    'detail, without a cache': () => rate(`${servers.away?.url}`, detail),
    'list of 10, without a cache': () => rate(`${servers.away?.url}`, list),
  };
  const rates: Record<string, number[]> = {};
  // The first round is for the compiler: every one of them gets faster for seconds.
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, measure] of Object.entries(cases)) {
      const measured = measure();
      if (round > 0) rates[name] = [...(rates[name] ?? []), measured];
    }
  const bare = median(rates.bare ?? []);
  line('bare Koa with one SELECT 1', `${bare.toFixed(0)}/s`);
  for (const [name, values] of Object.entries(rates)) {
    if (name === 'bare') continue;
    const goal = name === 'detail, without a cache' ? ', goal 0.7' : '';
    line(name, `${median(values).toFixed(0)}/s`, `${(median(values) / bare).toFixed(2)} of bare${goal}`);
  }
  for (const server of Object.values(servers)) await server.stop();
}

async function measurePhotos(ground: Ground, db: Knex): Promise<void> {
  const token = newToken();
  await insertToken(db, 'bench', token);
  await db('salons').insert({ name: 'Bench', slug: 'bench', city: 'Bench' });
  const photos = await makePhotos();
  const api = await startBundled('api', ground);
  const worker = await startBundled('worker', ground);
  const rates: { pipeline: number; sharp: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    rates.push({
      pipeline: await throughPipeline(api.url, token, db, photos),
      sharp: await throughSharp(photos),
    });
  const pipeline = median(rates.map((one) => one.pipeline));
  const bare = median(rates.map((one) => one.sharp));
  line('photos of 3 MP through upload, queue and worker', `${pipeline.toFixed(2)}/s`);
  line('sharp alone, the same variants', `${bare.toFixed(2)}/s`, `${(pipeline / bare).toFixed(2)}, goal 0.8`);
  await api.stop();
  await worker.stop();
}

async function measureMany(ground: Ground, db: Knex): Promise<void> {
  await db.raw('truncate salons cascade');
  await fill(db, MANY);
  const api = await startBundled('api', ground, true);
  const hex = (n: number) => (n * 2_654_435_761).toString(16).slice(-4);
  const queries = (make: (n: number) => string) =>
    Array.from({ length: 400 }, (_, n) => `${api.url}/api/salons?${make(n)}`);
  const cursor = (n: number) => Buffer.from(`id:${MANY - n * 200}`).toString('base64url');
  const lists = queries((n) => `cursor=${cursor(n)}`);
  line('100,000 salons: a page of the list, p99', `${(await p99(lists)).toFixed(1)} ms`);
  const cities = queries((n) => `city=City%20${n % 100}&cursor=${cursor(n)}`);
  line('100,000 salons: a page of a city, p99', `${(await p99(cities)).toFixed(1)} ms`);
  line('100,000 salons: a rare word, p99', `${(await p99(queries((n) => `q=${hex(n)}`))).toFixed(1)} ms`);
  const frequent = queries((n) => `q=colour%20${hex(n).slice(0, 1)}&limit=${(n % 50) + 1}`);
  line('100,000 salons: frequent words, p99', `${(await p99(frequent)).toFixed(1)} ms`);
  await api.stop();
}

await startBackends();
const { url: databaseUrl, db } = await createDatabase();
const ground = { databaseUrl, uploads: makeUploads() };
try {
  await fill(db, SALONS);
  await measureBoot(ground);
  await measureRates(ground);
  await measurePhotos(ground, db);
  await measureMany(ground, db);
} finally {
  await db.destroy();
  await stopBackends();
  removeUploads(ground.uploads);
}
