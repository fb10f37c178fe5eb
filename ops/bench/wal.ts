import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { parseLsn } from '../src/plan/wal.ts';
import type { Stack } from '../tests/e2e/create-stack.ts';
import { median, percentile } from '../tests/e2e/load/load.ts';

const ROUNDS = 3;
const SECONDS = 20;
const SCALE = 10;
const CLIENTS = 8;
const SAMPLE_MS = 200;

/**
 * What the WAL receiver costs those who commit, what a postgres that is gone at this moment would take with it, and how much
 * disk received WAL takes.
 */
export async function measureWal(stack: Stack, environment: Record<string, string>): Promise<string[][]> {
  const docker = async (...args: string[]) => (await execa('docker', args, { env: environment })).stdout;
  const [postgres, wal] = [`${stack.project}-postgres-1`, `${stack.project}-wal-1`];
  const sql = (query: string) =>
    docker('exec', postgres, 'psql', '-XAtqU', 'postgres', '-d', 'postgres', '-c', query);
  const pgbench = async (...args: string[]) =>
    docker('exec', postgres, 'pgbench', '-U', 'postgres', ...args, 'bench');
  const throughput = async () => {
    const said = await pgbench('-c', String(CLIENTS), '-j', '2', '-T', String(SECONDS));
    return Number(/^tps = ([\d.]+)/m.exec(said)?.[1]);
  };
  await sql('create database bench');
  await pgbench('-i', '-q', '-s', String(SCALE));
  const tps: Record<'without' | 'with', number[]> = { without: [], with: [] };
  const heavy: number[] = [];
  const begin = await sql('select pg_current_wal_flush_lsn()');
  for (let round = 0; round < ROUNDS; round += 1) {
    process.stderr.write(`pgbench with and without the receiver, round ${round + 1} …\n`);
    await docker('stop', wal);
    tps.without.push(await throughput());
    await docker('start', wal);
    await untilReceived(sql);
    const sampling = sampleLag(sql);
    tps.with.push(await throughput());
    heavy.push(...(await sampling.stop()));
  }
  const sampling = sampleLag(sql);
  for (let row = 0; row < 100; row += 1)
    await sql(
      'insert into atlas_wal.heartbeat values (1, now()) on conflict (id) do update set at = excluded.at',
    );
  const light = await sampling.stop();
  await untilReceived(sql);
  const changed = Number(parseLsn(await sql('select pg_current_wal_flush_lsn()')) - parseLsn(begin));
  await sql('drop database bench with (force)');
  const rate = median(tps.with);
  const lag = (all: number[]) =>
    `${percentile(all, 50).toFixed(0)} ms, p99 ${percentile(all, 99).toFixed(0)} ms`;
  return [
    [`${CLIENTS} CLIENTS, ${SECONDS} s, MEDIAN OF ${ROUNDS}`, 'MEASURED', 'GOAL'],
    ['commits a second without the receiver', median(tps.without).toFixed(0), ''],
    [
      'commits a second with it',
      `${rate.toFixed(0)} (${(rate / median(tps.without)).toFixed(2)} x)`,
      '>= 0.75 x',
    ],
    ['behind a commit, one at a time', lag(light), ''],
    ['behind a commit, under this load', lag(heavy), '< 1 s'],
    ['commits that a crash would take then, p99', ((percentile(heavy, 99) / 1000) * rate).toFixed(0), ''],
    ['disk for 1 GB of WAL', `${((storedBytes(stack) / changed) * 1000).toFixed(0)} MB`, ''],
  ];
}

async function untilReceived(sql: (query: string) => Promise<string>): Promise<void> {
  const caughtUp = 'select count(*) from pg_stat_replication where flush_lsn >= pg_current_wal_flush_lsn()';
  while ((await sql(caughtUp)) === '0') await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
}

/** Milliseconds that the receiver's flush is behind that of postgres; none to report counts as 0. */
function sampleLag(sql: (query: string) => Promise<string>) {
  const values: number[] = [];
  let isOver = false;
  const lag = 'select coalesce(max(extract(epoch from flush_lag) * 1000), 0) from pg_stat_replication';
  const sampled = (async () => {
    while (!isOver) {
      values.push(Number(await sql(lag)));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  return {
    async stop(): Promise<number[]> {
      isOver = true;
      await sampled;
      return values;
    },
  };
}

/** Bytes of everything in backups/wal, the segment that is being received counted whole. */
function storedBytes({ directory }: Stack): number {
  const store = path.join(directory, 'backups/wal');
  const files = readdirSync(store, { recursive: true, encoding: 'utf8' }).map((name) =>
    statSync(path.join(store, name)),
  );
  return files.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0);
}
