import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { until } from './until.ts';

/** A PostgreSQL cluster of the test run's own, in a temporary directory. */
export interface PostgresCluster {
  /** URL of a database of this cluster, as its superuser. */
  url(database: string): string;
  /** Ends every connection, as `systemctl restart postgresql` does, and calls `whileDown` before it starts again. */
  restart(whileDown: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the newest installed PostgreSQL on a free port; as the user postgres when we are root, which it refuses. */
export async function startPostgres(): Promise<PostgresCluster> {
  const bin = findBinaries();
  const directory = mkdtempSync(join(tmpdir(), 'atlas-pg-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  own(directory);
  own(data);
  run(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    'atlas',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
  ]);
  const port = await freePort();
  const settings = [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-k',
    directory,
    '-c',
    'fsync=off',
    '-c',
    'max_connections=200',
  ];
  const [command, ...args] = asPostgres(join(bin, 'postgres'), ['-D', data, ...settings]);
  let child = spawn(command, args, { stdio: 'ignore' });
  // Also when the run is interrupted: SIGQUIT is postgres's immediate shutdown, and setpriv has become it.
  process.once('exit', () => child.kill('SIGQUIT'));
  const url = (database: string) => `postgres://atlas@127.0.0.1:${port}/${database}`;
  const answers = () =>
    until('postgres answers', async () => {
      const client = new pg.Client(url('postgres'));
      client.on('error', () => {});
      await client.connect();
      await client.end();
      return true;
    });
  await answers();
  return {
    url,
    async restart(whileDown) {
      child.kill('SIGINT');
      await exited(child);
      await whileDown();
      child = spawn(command, args, { stdio: 'ignore' });
      await answers();
    },
    async stop() {
      child.kill('SIGQUIT');
      await exited(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function findBinaries(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  const found = versions
    .map((version) => join(root, version, 'bin'))
    .filter((bin) => existsSync(join(bin, 'initdb')));
  const newest = found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (!newest) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return newest;
}

const isRoot = process.getuid?.() === 0;

function asPostgres(file: string, args: string[]): [string, ...string[]] {
  return isRoot
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', file, ...args]
    : [file, ...args];
}

function own(path: string): void {
  if (!isRoot) return;
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  chownSync(path, id('-u'), id('-g'));
}

function run(file: string, args: string[]): void {
  const [command, ...rest] = asPostgres(file, args);
  const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`${file} failed: ${stderr}`);
}

/** A TCP port on 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Resolves with the exit code when a child process has ended. */
export function exited(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}
