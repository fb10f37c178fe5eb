import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { exited, freePort } from './postgres.ts';
import { until } from './until.ts';

/** A redis-server of the test run's own, on one port from first to last, that can go away and come back. */
export interface RedisServer {
  url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  flush(): Promise<void>;
}

/** Starts a redis-server without persistence: coming back, it has lost everything. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    url,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', tmpdir(), '--save', ''];
      child = spawn('redis-server', args, { stdio: 'ignore' });
      await until('redis answers', () => withClient(url, (client) => client.ping()));
    },
    async stop() {
      child?.kill('SIGKILL');
      if (child) await exited(child);
    },
    async flush() {
      await withClient(url, (client) => client.flushall());
    },
  };
  process.once('exit', () => child?.kill('SIGKILL'));
  await server.start();
  return server;
}

async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}
