import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { fillTemplate } from '../../../src/config/template.ts';
import { listWalFiles, readEpochs } from '../../../src/host/wal-archive.ts';
import { ensureWalRole } from '../../../src/host/wal-role.ts';
import { type Epoch, findWalPath, parseLsn } from '../../../src/plan/wal.ts';
import type { WalState } from '../../../src/plan/wal-health.ts';
import { waitFor } from '../client.ts';
import { createStack, removeStack, type Stack } from '../create-stack.ts';
import { output } from '../images/containers.ts';
import { stack } from '../stack.ts';

/** postgres and its receiver alone, in a clone of their own: tests break both. */
export interface DataStack {
  clone: Stack;
  image: string;
  /** Names of the containers. */
  postgres: string;
  wal: string;
  /** Directory of all backups, and of the WAL in it. */
  backups: string;
  store: string;
}

/** Brings both up as a deploy does. @param settings more of them for .env */
export async function createDataStack(settings: Record<string, string> = {}): Promise<DataStack> {
  const clone = await createStack('atlas-wal');
  const { POSTGRES_IMAGE: image = '', REDIS_IMAGE = '' } = stack().settings();
  const environment = {
    ...{ COMPOSE_PROJECT_NAME: clone.project, COMPOSE_FILE: 'compose/data.yml' },
    ...{ POSTGRES_IMAGE: image, REDIS_IMAGE, ...settings },
  };
  const example = readFileSync(path.join(clone.directory, '.env.example'), 'utf8');
  writeFileSync(path.join(clone.directory, '.env'), fillTemplate(example, environment), { mode: 0o600 });
  const backups = path.join(clone.directory, 'backups');
  for (const name of ['wal', 'base']) {
    mkdirSync(path.join(backups, name), { mode: 0o700 });
    chownSync(path.join(backups, name), 999, 999);
  }
  const own = {
    ...{ clone, image, postgres: `${clone.project}-postgres-1`, wal: `${clone.project}-wal-1` },
    ...{ backups, store: path.join(backups, 'wal') },
  };
  await up(own, 'postgres');
  await ensureWalRole(own.postgres, clone.settings().POSTGRES_WAL_PASSWORD ?? '');
  await up(own, 'wal');
  return own;
}

export const removeDataStack = ({ clone }: DataStack) => removeStack(clone);

/** `docker compose up` of one service, until it is healthy. */
export async function up({ clone }: DataStack, service: string): Promise<void> {
  const { exitCode, stderr } = await clone.sh(
    'docker',
    'compose',
    'up',
    '-d',
    '--wait',
    '--no-deps',
    service,
  );
  expect(exitCode, stderr).to.equal(0);
}

/** As superuser, in database postgres. */
export const sql = ({ postgres }: DataStack, query: string) =>
  output('exec', postgres, ...'psql -XAtq -v ON_ERROR_STOP=1 -U postgres -c'.split(' '), query);

/** Commits a row. @returns a position behind its commit */
export async function commit(own: DataStack): Promise<string> {
  const table = 'create table if not exists rows (id int generated always as identity)';
  await sql(own, `set client_min_messages = error; ${table}; insert into rows default values`);
  return sql(own, 'select pg_current_wal_flush_lsn()');
}

export const readState = ({ store }: DataStack) =>
  JSON.parse(readFileSync(path.join(store, 'state.json'), 'utf8')) as WalState;

/** Waits until the receiver says that a position is flushed. */
export async function untilFlushed(own: DataStack, lsn: string): Promise<WalState> {
  return waitFor(
    `${lsn} to be flushed`,
    async () => readState(own),
    ({ flushedLsn }) => parseLsn(flushedLsn ?? '0/0') >= parseLsn(lsn),
  );
}

/** Sends a signal to every pg_receivewal. @returns their process ids, in the container; without a signal only that */
export async function signalReceiver({ wal }: DataStack, signal = '0'): Promise<string[]> {
  const script = `for p in /proc/[0-9]*; do
    [ "$(cat $p/comm 2>/dev/null)" != pg_receivewal ] || { kill -$1 "\${p#/proc/}"; echo "\${p#/proc/}"; }
  done`;
  return (await output('exec', wal, 'sh', '-c', script, 'sh', signal)).split('\n').filter(Boolean);
}

/** The epoch that was begun last. */
export async function currentEpoch({ backups }: DataStack): Promise<Epoch> {
  const epoch = (await readEpochs(backups)).at(-1);
  if (!epoch) throw new Error('there is no epoch');
  return epoch;
}

/** The first segment that is missing in an epoch; null when there is none. */
export async function findGap({ backups }: DataStack, epoch: Epoch): Promise<string | null> {
  const files = await listWalFiles(backups, [epoch]);
  return findWalPath(parseLsn(epoch.startLsn), { timeline: epoch.timeline, ancestors: [] }, files).missing;
}

const COUNT = `
set -eu
cd /wal/"$1"
for file in 0*; do
  case $file in
    *.history) ;;
    *.zst) zstd -dcq "$file" >"/work/\${file%.zst}" ;;
    *) [ -e "/work/\${file%.partial}" ] || cp "$file" "/work/\${file%.partial}" ;;
  esac
done
cd /work
# It ends with an error where the WAL ends.
pg_waldump --rmgr=Heap --rmgr=Transaction "$(ls | head -n 1)" "$(ls | tail -n 1)" 2>/dev/null >records || true
awk -v rel="rel $2 " '{ sub(",", "", $8); tx = $8 }
  / desc: INSERT/ && index($0, rel) { rows[tx] += 1 }
  / desc: COMMIT/ { total += rows[tx] }
  END { print total + 0 }' records`;

/**
 * Rows of a table whose commit is in the received WAL of an epoch: what a recovery would bring back.
 * @param relation as pg_waldump names it: tablespace/database/file node
 */
export async function countCommitted(own: DataStack, epoch: Epoch, relation: string): Promise<number> {
  const work = mkdtempSync(path.join(tmpdir(), 'atlas-waldump-'));
  try {
    const mounts = ['-v', `${own.store}:/wal:ro`, '-v', `${work}:/work`];
    const program = ['--user', '0:0', '--entrypoint', 'sh', own.image, '-c', COUNT, 'count'];
    const args = ['run', '--rm', '--network', 'none', ...mounts, ...program, epoch.name, relation];
    return Number(await output(...args));
  } finally {
    rmSync(work, { recursive: true });
  }
}
