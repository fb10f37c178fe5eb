import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import { destroyCluster } from '../tests/e2e/cluster-volume.ts';
import { createStack, type Outcome, type Stack } from '../tests/e2e/create-stack.ts';
import { backupSettings, bucketEnvironment, startS3 } from '../tests/e2e/s3-server.ts';
import { seconds } from './timing.ts';

const GIGABYTES = 2;
const PREFIX = 'bench';

/** How long a site with 2 GB is gone when its cluster is, from this disk and from a bucket on a machine that has nothing. */
export async function measureRecovery(
  stack: Stack,
  environment: Record<string, string>,
): Promise<string[][]> {
  const psql = ['exec', `${stack.project}-postgres-1`, 'psql', '-XAtqU', 'postgres', '-d', 'atlas', '-c'];
  const sql = async (query: string) => (await must(stack.sh('docker', ...psql, query))).stdout;
  const rows = Math.round((GIGABYTES * 1e9) / 480);
  process.stderr.write(`filling ${GIGABYTES} GB …\n`);
  await sql(`create table bench as select n as id, now() - n * interval '1 s' as at, md5(n::text) as name,
    jsonb_build_object('tags', array['salon', 'hair', md5((n % 1000)::text)], 'text', repeat(md5(n::text) || ' of a day ', 6)) as payload
    from generate_series(1, ${rows}) n`);
  await sql('alter table bench add primary key (id)');
  await sql('vacuum analyze bench');
  const size = Number(await sql(`select pg_database_size('atlas')`));
  const base = await seconds('make base', () => must(stack.make('base')));
  await sql(`update bench set name = 'changed' where id % 100 = 0`);
  const difference = await seconds('make base, the difference', () =>
    must(stack.make('base', {}, { BASE_FULL_BELOW_MB: '0' })),
  );
  // A cluster of this size has full ones alone, unless somebody sets it otherwise.
  await must(stack.make('base'));
  await sql(`update bench set name = 'again' where id % 100 = 1`);
  await destroyCluster(stack);
  const local = await outage(stack, async () => {
    const { stderr } = await must(stack.make('restore', { LATEST: '1', YES: '1' }));
    process.stderr.write(`${stderr}\n`);
  });
  const offsite = await measureOffsite(stack, environment, sql);
  const shown = (value: number) => `${value.toFixed(1)} s`;
  return [
    [`${(size / 1e9).toFixed(1)} GB, ONCE`, 'MEASURED', 'GOAL'],
    ['make base, full, verified', shown(base), ''],
    ['make base, difference of 1 in 100 rows, verified', shown(difference), ''],
    ['cluster deleted, make restore LATEST=1 to the first answer', shown(local.answered), '<= 30 s'],
    ['  to its end, with a new base backup', shown(local.ended), ''],
    ['make offsite, all of it', shown(offsite.sent), ''],
    ['server gone, make recover to the first answer', shown(offsite.answered), ''],
    ['  to its end', shown(offsite.ended), ''],
  ];
}

async function measureOffsite(
  stack: Stack,
  environment: Record<string, string>,
  sql: (query: string) => Promise<string>,
): Promise<{ sent: number; answered: number; ended: number }> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'atlas-bench-offsite-'));
  const s3 = await startS3('127.0.0.1');
  let recovered: Stack | undefined;
  try {
    const { stdout } = await must(stack.make('offsite-key'));
    const key = path.join(scratch, 'key.txt');
    writeFileSync(key, stdout, { mode: 0o600 });
    stack.set(backupSettings(s3, PREFIX, stdout));
    const sent = await seconds('make offsite', () => must(stack.make('offsite')));
    await sql('select pg_switch_wal()');
    await must(stack.make('offsite'));
    await must(stack.sh('docker', 'compose', 'down', '--volumes', '--timeout', '1'));
    const fresh = await createStack('atlas-bench-recovered', environment);
    recovered = fresh;
    const recover = ['make', 'recover', `FROM=s3://${s3.bucket}/${PREFIX}`, `KEY=${key}`];
    return {
      sent,
      ...(await outage(stack, () => must(fresh.sh('env', ...bucketEnvironment(s3), ...recover)))),
    };
  } finally {
    await s3.remove();
    rmSync(scratch, { recursive: true });
    if (recovered) rmSync(recovered.directory, { recursive: true, force: true });
  }
}

/** Seconds from the start of a command until the site answers from its database, and until the command ends. */
async function outage(
  stack: Stack,
  action: () => Promise<unknown>,
): Promise<{ answered: number; ended: number }> {
  const started = performance.now();
  let answered = Number.NaN;
  let isOver = false;
  const url = `https://127.0.0.1:${stack.httpsPort}/api/salons?q=${Date.now()}`;
  const watching = (async () => {
    while (!isOver && Number.isNaN(answered)) {
      const { exitCode } = await execa('curl', ['-ksf', '--max-time', '2', url], { reject: false });
      if (exitCode === 0) answered = (performance.now() - started) / 1000;
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await action();
  isOver = true;
  await watching;
  return { answered, ended: (performance.now() - started) / 1000 };
}

async function must(action: Promise<Outcome>): Promise<Outcome> {
  const outcome = await action;
  if (outcome.exitCode !== 0) throw new Error(outcome.stdout + outcome.stderr);
  return outcome;
}
