// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { execa } from 'execa';
import { waitFor } from '../client.ts';
import { docker, output } from '../images/containers.ts';
import {
  commit,
  countCommitted,
  createDataStack,
  currentEpoch,
  type DataStack,
  removeDataStack,
  sql,
  untilFlushed,
} from './data-stack.ts';

describe('fetch.sh, which recovery asks for WAL', function () {
  this.timeout(180_000);
  let own: DataStack;
  let segment = '';
  let following = '';

  before(async () => {
    own = await createDataStack();
    segment = await sql(own, 'select pg_walfile_name(pg_switch_wal())');
    await commit(own);
    following = await sql(own, 'select pg_walfile_name(pg_switch_wal())');
    await untilFlushed(own, await commit(own));
    await waitFor(
      'compression',
      async () => files(),
      (all) => [segment, following].every((name) => all.includes(`${name}.zst`) && !all.includes(name)),
    );
    await output('stop', own.wal);
  });
  after(() => own && removeDataStack(own));

  const directory = async () => path.join(own.store, (await currentEpoch(own)).name);
  const files = () =>
    readdirSync(path.join(own.store, readdirSync(own.store).find((name) => name.includes('-')) ?? ''));

  /** Where postgres would run it. @returns exit code, and SHA-256 and size of what was fetched */
  async function fetch(
    name: string,
    before = '',
  ): Promise<{ code: number; sum: string; size: number; log: string }> {
    const script = `cd $PGDATA; ${before}
      bash /etc/wal-atlas/fetch.sh "$1" /tmp/got; code=$?
      [ ! -e /tmp/got ] || { sha256sum </tmp/got; stat -c %s /tmp/got; }; exit $code`;
    const mounts = [
      ...['-v', `${own.clone.project}_postgres:/var/lib/postgresql/data:ro`, '-v', `${own.store}:/wal:ro`],
      ...['-v', `${own.clone.directory}/compose/wal:/etc/wal-atlas:ro`],
      ...['-e', 'PGDATA=/var/lib/postgresql/data/cluster', '--user', '999:999', '--tmpfs', '/tmp:mode=1777'],
    ];
    const result = await docker(
      'run',
      '--rm',
      ...mounts,
      '--entrypoint',
      'bash',
      own.image,
      '-c',
      script,
      'x',
      name,
    );
    const [sum = '', size] = result.stdout.split('\n');
    return {
      code: result.exitCode ?? -1,
      sum: sum.slice(0, 64),
      size: Number(size ?? 0),
      log: result.stderr,
    };
  }

  const served = async (name: string) =>
    (await output('exec', own.postgres, 'sh', '-c', `sha256sum <$PGDATA/pg_wal/${name}`)).slice(0, 64);

  it('finds what is compressed, and what is being received with its whole size', async () => {
    const whole = await fetch(segment);
    expect(whole).to.include({ code: 0, sum: await served(segment), size: 16_777_216 });
    const partial = files().find((name) => name.endsWith('.partial')) ?? '';
    truncateSync(path.join(await directory(), partial), 1_000_000);
    expect(await fetch(partial.slice(0, 24))).to.include({ code: 0, size: 16_777_216 });
  });

  // Broken: next_name that counts past FF in the low part; a ready one that is left where it is.
  it('has the next one ready by then, and only what is whole', async () => {
    const ready = `
      bash /etc/wal-atlas/fetch.sh ${segment} /tmp/first || exit 99
      for n in $(seq 100); do [ ! -e /tmp/ahead/${following} ] || break; sleep 0.1; done
      flock /tmp/ahead/lock ls /tmp/ahead | grep -v lock >&2; rm -f /tmp/first`;
    const got = await fetch(following, ready);
    expect(got).to.include({ code: 0, sum: await served(following), size: 16_777_216, log: following });
    const name = 'echo "$(next_name 00000003000000AB000000FF) $(next_name 0000000300000000000000AF)" >&2';
    const sourced = `. <(sed '/^main /d' /etc/wal-atlas/fetch.sh); trap - ERR; set +e; ${name}; set +u`;
    expect((await fetch('none.history', sourced)).log).to.contain(
      '00000003000000AC00000000 0000000300000000000000B0',
    );
  });

  it('says 1 for what is not there, which for postgres is the end', async () => {
    expect(await fetch('0000000100000000000000FF')).to.include({ code: 1, size: 0 });
    expect(await fetch('00000002.history')).to.include({ code: 1, size: 0 });
  });

  // Broken: 1 instead of 200; without check (zstd's own checksum finds the flipped bit, but not a whole other file).
  it('says 200 for what is damaged, so that recovery stops, unless another epoch has it whole', async () => {
    const file = path.join(await directory(), `${segment}.zst`);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[bad.length >> 1] = (bad[bad.length >> 1] ?? 0) ^ 1;
    writeFileSync(file, bad);
    const outcome = await fetch(segment);
    expect(outcome).to.include({ code: 200, size: 0 });
    expect(outcome.log).to.contain(`${segment}.zst is damaged`);
    const { stdout: other } = await execa('docker', ['exec', '-i', own.postgres, 'zstd', '-q', '-c'], {
      input: Buffer.alloc(16_777_216),
      encoding: 'buffer',
    });
    writeFileSync(file, other);
    expect(await fetch(segment), 'another segment under its name').to.include({ code: 200, size: 0 });
    const second = `${await directory()}-2`;
    await execa('install', ['-d', '-o', '999', '-g', '999', '-m', '700', second]);
    writeFileSync(path.join(second, `${segment}.zst`), good, { mode: 0o644 });
    expect(await fetch(segment)).to.include({ code: 0, sum: await served(segment) });
    writeFileSync(file, good);
  });

  // Broken: every directory under /wal looked through.
  it('takes nothing of another cluster', async () => {
    const foreign = path.join(own.store, '1234567890-00000001');
    await execa('install', ['-d', '-o', '999', '-g', '999', '-m', '755', foreign]);
    copyFileSync(
      path.join(await directory(), `${segment}.zst`),
      path.join(foreign, '0000000100000000000000FF.zst'),
    );
    expect(await fetch('0000000100000000000000FF')).to.include({ code: 1 });
  });
});

describe('a postgres that is killed and whose data directory is gone', function () {
  this.timeout(300_000);
  let own: DataStack;

  beforeEach(async () => {
    own = await createDataStack();
    await sql(
      own,
      'create table acknowledged (id bigint generated always as identity, at timestamptz default now())',
    );
  });
  afterEach(() => own && removeDataStack(own));

  async function destroy(): Promise<void> {
    await output('kill', '--signal', 'KILL', own.postgres);
    const mount = ['-v', `${own.clone.project}_postgres:/volume`, '--entrypoint', 'rm'];
    await output('run', '--rm', ...mount, own.image, '-rf', '/volume/cluster');
  }
  const relation = () =>
    sql(
      own,
      `select '1663/' || (select oid from pg_database where datname = current_database()) || '/' || pg_relation_filenode('acknowledged')`,
    );

  // Killing postgres does not take the receiver's page cache along: --synchronous itself is not proved here.
  it('5 rows a second for 50 s: at most one acknowledged row is not in the received WAL', async () => {
    const [epoch, file] = [await currentEpoch(own), await relation()];
    const session = execa('docker', ['exec', '-i', own.postgres, ...'psql -XAtq -U postgres'.split(' ')], {
      reject: false,
      buffer: false,
    });
    let acknowledged = 0;
    session.stdout.setEncoding('utf8').on('data', (text: string) => {
      acknowledged += text.match(/\n/g)?.length ?? 0;
    });
    for (let row = 0; row < 250; row++) {
      session.stdin.write('insert into acknowledged default values returning id;\n');
      await delay(200);
    }
    await waitFor(
      'the rows',
      async () => acknowledged,
      (count) => count >= 249,
    );
    await destroy();
    await session;
    expect(await countCommitted(own, epoch, file)).to.be.at.least(acknowledged - 1);
  });

  it('as many rows as it takes: less than a second of them is not in the received WAL', async () => {
    const [epoch, file] = [await currentEpoch(own), await relation()];
    const script = 'insert into acknowledged default values;';
    // Apart from postgres: it is to tell how many commits it was told of when that is gone.
    const args = [
      'run',
      '--rm',
      '-i',
      '--network',
      `${own.clone.project}_data`,
      '--name',
      `${own.clone.project}-load`,
      '-e',
      'PGPASSWORD',
      '--entrypoint',
      'pgbench',
      own.image,
    ];
    const load = execa(
      'docker',
      [...args, ...'-n -c 8 -T 600 -f /dev/stdin -h postgres -U postgres postgres'.split(' ')],
      { input: script, reject: false, env: { PGPASSWORD: own.clone.settings().POSTGRES_PASSWORD ?? '' } },
    );
    await waitFor(
      'some rows',
      async () => Number(await sql(own, 'select count(*) from acknowledged')),
      (rows) => rows > 1000,
    );
    await delay(10_000);
    await destroy();
    const { stdout } = await load;
    const acknowledged = Number(/transactions actually processed: (\d+)/.exec(stdout)?.[1]);
    expect(acknowledged, stdout).to.be.above(1000);
    // It ran for more than ten seconds.
    expect(await countCommitted(own, epoch, file)).to.be.at.least(acknowledged * 0.9);
  });
});
