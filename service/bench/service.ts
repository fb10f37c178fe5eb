import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { backends, freePort } from '../tests/backends/index.ts';

const service = join(import.meta.dirname, '..');
const main = join(service, 'dist/main.js');
/** The Node that what is measured runs with. */
const node = process.env.BENCH_NODE ?? process.execPath;

/** A server of its own process that is measured. */
export interface Measured {
  url: string;
  /** Seconds from the start of its process to the first 200. */
  bootSeconds: number;
  /** Resident memory now, in MB. */
  rssMegabytes: () => number;
  stop: () => Promise<void>;
}

/** A database and a directory for uploads, for one or more roles. */
export interface Ground {
  databaseUrl: string;
  uploads: string;
}

export const makeUploads = () => mkdtempSync(join(tmpdir(), 'atlas-bench-'));
export const removeUploads = (uploads: string) => rmSync(uploads, { recursive: true });

/** Has Node compile the bundle once, as the build of the image does. */
export function compileBundle(): void {
  mkdirSync(join(service, 'dist/compile-cache'), { recursive: true });
  execFileSync(node, [main, 'compile']);
}

/** Starts a role of the bundled service as the image runs it. `away`: without redis_cache. */
export async function startBundled(role: 'api' | 'worker', ground: Ground, away = false): Promise<Measured> {
  const port = await freePort();
  return watch(port, '/readyz', away, {
    args: [main, role],
    env: {
      ...{ NODE_ENV: 'production', PORT: String(port), UPLOADS_DIR: ground.uploads, RATE_LIMIT: '0' },
      ...{ DATABASE_URL: ground.databaseUrl, REDIS_QUEUE_URL: backends().redisQueue.url },
      REDIS_CACHE_URL: away ? 'redis://127.0.0.1:1' : backends().redisCache.url,
      SESSION_SECRET: 'x'.repeat(32),
    },
  });
}

// The least that can be called such a service: Koa, a pool, one question.
const BARE = `
const [url, port] = process.argv.slice(1);
const Koa = require('koa');
const { Pool } = require('pg');
const pool = new Pool({ connectionString: url, max: 10 });
const app = new Koa();
app.use(async (ctx) => {
  const { rows } = await pool.query('SELECT 1 AS one');
  ctx.body = rows[0];
});
app.listen(Number(port));
`;

/** Starts a bare Koa that answers each request with one SELECT 1. */
export async function startBare({ databaseUrl }: Ground): Promise<Measured> {
  const port = await freePort();
  const args = ['--input-type=commonjs', '--eval', BARE, databaseUrl, String(port)];
  return watch(port, '/', false, { args, env: { NODE_ENV: 'production' } });
}

async function watch(
  port: number,
  path: string,
  anyAnswer: boolean,
  { args, env }: { args: string[]; env: Record<string, string> },
): Promise<Measured> {
  const url = `http://127.0.0.1:${port}`;
  const started = performance.now();
  const child: ChildProcess = spawn(node, args, {
    cwd: service,
    env: { PATH: process.env.PATH, ...env },
    // As in a container: what is logged goes down a pipe and is read.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.resume();
  for (;;) {
    const status = await fetch(`${url}${path}`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200 || (anyAnswer && status > 0)) break;
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended`);
    await pause(5);
  }
  return {
    url,
    bootSeconds: (performance.now() - started) / 1000,
    rssMegabytes: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
