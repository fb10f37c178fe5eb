import { randomFillSync } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Stack } from '../tests/e2e/create-stack.ts';
import { median, percentile, startLoad } from '../tests/e2e/load/load.ts';
import { ownAddress } from './own-address.ts';
import { seconds } from './timing.ts';

const ROUNDS = 3;
const DATABASE_MEGABYTES = 1000;
const PHOTOS = 300;
const PHOTO_BYTES = 300_000;
const RATE = 50;
const PEACE_SECONDS = 30;

/**
 * What a backup, a drill and a restore of 1 GB with photos cost, beside the stock tools on the same data in the same
 * run, and what a client notices of a backup.
 */
export async function measureBackups(stack: Stack, environment: Record<string, string>): Promise<string[][]> {
  stack.set({ RATE_LIMIT: '0' }); // the whole load comes from one address
  await must(stack, 'deploy', { TAG: stack.settings().IMAGE_TAG ?? '' });
  const postgres = `${stack.project}-postgres-1`;
  const docker = (...args: string[]) => execa('docker', args, { env: environment });
  const sql = (query: string, database = 'atlas') =>
    docker('exec', postgres, 'psql', '-XqU', 'postgres', '-d', database, '-c', query);
  await fill(stack, sql);
  const first = await seconds('make backup, photos new', () => must(stack, 'backup'));
  const taken: Record<'dump' | 'backup' | 'restore' | 'drill' | 'bring', number[]> = {
    ...{ dump: [], backup: [], restore: [], drill: [], bring: [] },
  };
  const raw = path.join(stack.directory, 'raw');
  mkdirSync(raw, { recursive: true });
  const file = path.join(raw, 'database.dump');
  for (let round = 0; round < ROUNDS; round += 1) {
    taken.dump.push(
      await seconds('pg_dump -Fc -Z zstd:3', () =>
        execa('docker', ['exec', postgres, 'pg_dump', '-U', 'postgres', '-Fc', '-Z', 'zstd:3', 'atlas'], {
          env: environment,
          stdout: { file },
          buffer: false,
        }),
      ),
    );
    taken.backup.push(await seconds('make backup', () => must(stack, 'backup')));
    await sql('create database raw', 'postgres');
    const mount = `type=bind,source=${raw},target=/backup,readonly`;
    const beside = ['--user', '0:0', '--network', `container:${postgres}`, '--mount', mount];
    const restore = ['-h', '127.0.0.1', '-U', 'postgres', '-d', 'raw', '-j2', '/backup/database.dump'];
    const image = stack.settings().POSTGRES_IMAGE ?? '';
    taken.restore.push(
      await seconds('pg_restore -j2', () =>
        docker('run', '--rm', ...beside, '--entrypoint', 'pg_restore', image, ...restore),
      ),
    );
    await sql('drop database raw', 'postgres');
    taken.drill.push(await seconds('make drill', () => must(stack, 'drill')));
    taken.bring.push(
      await seconds('make restore', () => must(stack, 'restore', { YES: '1', SKIP_SAFETY: '1' })),
    );
    await must(stack, 'restore-clean', { YES: '1' });
  }
  const bytes = newestBytes(stack);
  const p99 = await measureLatency(stack);
  const ratio = (ours: number[], theirs: number[]) => `${(median(ours) / median(theirs)).toFixed(2)} x`;
  const row = (what: string, all: number[], compared: string, goal: string) => [
    ...[what, `${median(all).toFixed(1)} s`, compared, goal],
  ];
  return [
    [`${DATABASE_MEGABYTES} MB, ${PHOTOS} PHOTOS, MEDIAN OF ${ROUNDS}`, 'MEASURED', 'RATIO', 'GOAL'],
    row('pg_dump -Fc -Z zstd:3', taken.dump, '', ''),
    row('make backup, photos unchanged', taken.backup, ratio(taken.backup, taken.dump), '<= 1.5 x'),
    row('make backup, photos new (once)', [first], ratio([first], taken.dump), ''),
    row('pg_restore -j2', taken.restore, '', ''),
    row('make restore, proved and swapped', taken.bring, ratio(taken.bring, taken.restore), '<= 1.3 x'),
    row('make drill', taken.drill, ratio(taken.drill, taken.restore), ''),
    [
      'bytes of the dump, raw and ours',
      ...[`${megabytes(statSync(file).size)} MB`, `${megabytes(bytes)} MB`, ''],
    ],
    [`p99 at ${RATE} requests/s in peace`, `${p99.peace.toFixed(0)} ms`, '', ''],
    [
      ...['p99 during a backup', `${p99.during.toFixed(0)} ms`],
      ...[`${(p99.during / p99.peace).toFixed(1)} x`, '<= 2 x'],
    ],
  ];
}

async function must(stack: Stack, verb: string, variables: Record<string, string> = {}): Promise<void> {
  const outcome = await stack.make(verb, variables);
  if (outcome.exitCode !== 0) throw new Error(`make ${verb}: ${outcome.stderr}`);
}

/** Rows that compress to about a third, with an index beside the key's, and files that do not compress. */
async function fill(stack: Stack, sql: (query: string) => Promise<unknown>): Promise<void> {
  process.stderr.write(`filling ${DATABASE_MEGABYTES} MB …\n`);
  const rows = Math.round((DATABASE_MEGABYTES * 1e6) / 480);
  await sql(`create table bench (id bigint primary key, at timestamptz, name text, payload jsonb)`);
  await sql('alter table bench owner to atlas');
  await sql(`insert into bench select n, now() - n * interval '1 s', md5(n::text),
    jsonb_build_object('tags', array['salon', 'hair', md5((n % 1000)::text)], 'text', repeat(md5(n::text) || ' of a day ', 6))
    from generate_series(1, ${rows}) n`);
  await sql('create index on bench (name)');
  await sql('vacuum analyze bench');
  const directory = path.join(stack.directory, 'uploads/originals/be');
  mkdirSync(directory, { recursive: true });
  const bytes = Buffer.alloc(PHOTO_BYTES);
  for (let n = 0; n < PHOTOS; n += 1)
    writeFileSync(path.join(directory, `${n.toString(16).padStart(32, 'b')}.jpg`), randomFillSync(bytes));
}

function newestBytes(stack: Stack): number {
  const backups = path.join(stack.directory, 'backups');
  const newest =
    readdirSync(backups)
      .filter((name) => /^\d{8}T/.test(name))
      .sort()
      .at(-1) ?? '';
  return statSync(path.join(backups, newest, 'database.dump')).size;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

/** What clients notice: the same load in peace and during one backup. */
async function measureLatency(stack: Stack) {
  const token = (await stack.make('token', { NAME: 'bench' })).stdout.trim().split('\n').at(-1) ?? '';
  const running = await startLoad({
    ...{ host: ownAddress(), httpsPort: stack.httpsPort, token, ratePerSecond: RATE },
    ...{ http2Clients: 0, slowUploads: 0, slowDownloads: 0, maxSeconds: 1200 },
  });
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const from = Date.now();
  await new Promise((resolve) => setTimeout(resolve, PEACE_SECONDS * 1000));
  const begun = Date.now();
  await seconds('make backup under load', () => must(stack, 'backup'));
  const ended = Date.now();
  const { samples } = await running.stop();
  const between = (low: number, high: number) =>
    percentile(
      samples.filter(({ at }) => at >= low && at < high).map((one) => one.milliseconds),
      99,
    );
  return { peace: between(from, begun), during: between(begun, ended) };
}
