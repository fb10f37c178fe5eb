import type { Knex } from 'knex';
import { openDatabase } from '../../src/db/connection.ts';
import { migrateUp } from '../../src/db/migrator.ts';
import { migrations } from '../../src/migrations/index.ts';
import { type PostgresCluster, startPostgres } from './postgres.ts';
import { type RedisServer, startRedis } from './redis.ts';

export { freePort } from './postgres.ts';
export { until } from './until.ts';

interface Backends {
  postgres: PostgresCluster;
  redisCache: RedisServer;
  redisQueue: RedisServer;
}

let running: Backends | undefined;
let databases = 0;

/** Starts what the service needs, for the whole run. */
export async function startBackends(): Promise<void> {
  const [postgres, redisCache, redisQueue] = await Promise.all([startPostgres(), startRedis(), startRedis()]);
  running = { postgres, redisCache, redisQueue };
}

/** Stops and removes all of it. */
export async function stopBackends(): Promise<void> {
  const { postgres, redisCache, redisQueue } = backends();
  running = undefined;
  await Promise.all([postgres.stop(), redisCache.stop(), redisQueue.stop()]);
}

/** The running backends. */
export function backends(): Backends {
  if (!running) throw new Error('no backends: run the tests with mocha, which loads tests/setup.ts');
  return running;
}

/** The URL of a new, empty database. */
export async function createEmptyDatabase(): Promise<string> {
  const { postgres } = backends();
  const name = `test_${++databases}`;
  const admin = openDatabase({ url: postgres.url('postgres'), name: 'test' });
  await admin.raw('create database ??', [name]);
  await admin.destroy();
  return postgres.url(name);
}

/** A new database with the schema of this source. The caller destroys the pool. */
export async function createDatabase(): Promise<{ url: string; db: Knex }> {
  const url = await createEmptyDatabase();
  const db = openDatabase({ url, name: 'test' });
  await migrateUp(db, migrations);
  return { url, db };
}
