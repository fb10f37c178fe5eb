// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { findDamagedWal, listWalFiles } from '../../../src/host/wal-archive.ts';
import { ensureWalRole } from '../../../src/host/wal-role.ts';
import { parseLsn } from '../../../src/plan/wal.ts';
import { waitFor } from '../client.ts';
import { docker, output } from '../images/containers.ts';
import {
  commit,
  createDataStack,
  currentEpoch,
  type DataStack,
  findGap,
  readState,
  removeDataStack,
  signalReceiver,
  sql,
  untilFlushed,
  up,
} from './data-stack.ts';

describe('the WAL receiver', function () {
  this.timeout(180_000);
  let own: DataStack;

  before(async () => {
    own = await createDataStack({ WAL_KEEP_MAX: '64MB' });
  });
  after(() => own && removeDataStack(own));

  const names = (epoch: string) => readdirSync(path.join(own.store, epoch)).sort();
  const slot = (column: string) => sql(own, `select ${column} from pg_replication_slots`);
  /** Waits for a heartbeat that was written after now and has arrived. */
  const untilWell = async () => {
    const now = new Date().toISOString();
    return waitFor(
      'a new heartbeat',
      async () => readState(own),
      ({ heartbeat, error }) => heartbeat !== null && heartbeat > now && error === null,
      90,
    );
  };
  const log = async () => (await docker('logs', own.wal)).all;

  // Broken: epoch.json written with another start; the state without flushedLsn; the sum of the plain file.
  it('has what was committed, and keeps whole segments compressed with their sums', async () => {
    const epoch = await currentEpoch(own);
    expect(epoch).to.deep.include({ timeline: 1, reason: 'first', previous: null });
    expect(epoch.name).to.equal(
      `${await sql(own, 'select system_identifier from pg_control_system()')}-00000001`,
    );
    const state = await untilFlushed(own, await commit(own));
    expect(state).to.include({ epoch: epoch.name, system: epoch.system, timeline: 1, receiving: true });
    const segment = await sql(own, 'select pg_walfile_name(pg_switch_wal())');
    await commit(own);
    await waitFor(
      'the segment',
      async () => names(epoch.name),
      (all) => !all.includes(segment) && all.includes(`${segment}.zst`),
    );
    const files = await listWalFiles(own.backups, [epoch]);
    expect(await findDamagedWal(own.backups, files)).to.equal(null);
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const { stdout } = await execa(
      'docker',
      ['exec', own.wal, 'zstd', '-dcq', `/wal/${epoch.name}/${segment}.zst`],
      { encoding: 'buffer' },
    );
    const [there = ''] = (
      await output('exec', own.postgres, 'sh', '-c', `sha256sum $PGDATA/pg_wal/${segment}`)
    ).split(' ');
    expect(hash(stdout)).to.equal(there);
    expect(await findGap(own, epoch)).to.equal(null);
  });

  it('its role may receive WAL and nothing else; making sure of it again changes nothing', async () => {
    await ensureWalRole(own.postgres, own.clone.settings().POSTGRES_WAL_PASSWORD ?? '');
    const attributes = 'rolreplication, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolcanlogin';
    expect(await sql(own, `select ${attributes} from pg_roles where rolname = 'atlas_wal'`)).to.equal(
      't|f|f|f|f|t',
    );
    const groups = `select roleid::regrole from pg_auth_members where member = 'atlas_wal'::regrole`;
    expect(await sql(own, groups)).to.equal('pg_monitor');
    const [connects = ''] = [
      await sql(own, `select has_database_privilege('atlas_wal', 'atlas', 'connect')`),
    ];
    expect(connects).to.equal('f');
    const password = own.clone.settings().POSTGRES_WAL_PASSWORD ?? 'none';
    expect((await docker('logs', own.postgres)).all).to.not.contain(password);
  });

  // Broken: start_receiver only once.
  it('one that is killed is started again, and nothing is missing', async () => {
    const [before] = await signalReceiver(own, 'KILL');
    const lsn = await commit(own);
    await untilFlushed(own, lsn);
    await untilWell();
    expect(await signalReceiver(own))
      .to.have.length(1)
      .and.not.include(before);
    expect(await log()).to.match(/pg_receivewal ended \(137\)/);
    expect(await findGap(own, await currentEpoch(own))).to.equal(null);
  });

  // Broken: without the kill in watch_receiver; with -TERM instead of -KILL.
  it('one that hangs is noticed by its heartbeat, killed and started again; commits go on meanwhile', async () => {
    const [before] = await signalReceiver(own, 'STOP');
    const lsn = await commit(own);
    await untilFlushed(own, lsn);
    expect(await log()).to.contain('has flushed nothing for 15 s: killed');
    expect(await signalReceiver(own))
      .to.have.length(1)
      .and.not.include(before);
    await untilWell();
  });

  // Broken: begin_epoch where there is no gap.
  it('a container that is killed or stopped, and a postgres that restarts, leave no gap and no new epoch', async () => {
    const epoch = await currentEpoch(own);
    await output('kill', own.wal);
    await commit(own);
    await up(own, 'wal');
    await output('stop', own.wal);
    expect(readState(own)).to.include({ receiving: false, error: 'stopped' });
    await output('restart', own.postgres);
    await up(own, 'postgres');
    await up(own, 'wal');
    await untilFlushed(own, await commit(own));
    await untilWell();
    expect(await currentEpoch(own)).to.deep.equal(epoch);
    expect(await findGap(own, epoch)).to.equal(null);
  });

  // pg_receivewal knows no .zst: it would go on where the slot stands, which is right as long as nothing is missing between.
  // Broken: in postgres' place, the slot advanced by a segment before the start (seen to become a new epoch).
  it('goes on where the slot stands when only compressed segments are left', async () => {
    const epoch = await currentEpoch(own);
    await output('stop', own.wal);
    for (const name of names(epoch.name).filter((one) => /^[0-9A-F]{24}(\.partial)?$/.test(one)))
      rmSync(path.join(own.store, epoch.name, name));
    await commit(own);
    await up(own, 'wal');
    await untilFlushed(own, await commit(own));
    expect(await currentEpoch(own)).to.deep.equal(epoch);
    expect(await findGap(own, epoch)).to.equal(null);
  });

  // Broken: continues always true: the same epoch goes on with a segment missing.
  it('files that are gone from the end are a gap: a new epoch', async () => {
    const epoch = await currentEpoch(own);
    await sql(own, 'select pg_switch_wal()');
    await untilFlushed(own, await commit(own));
    await waitFor(
      'the segment',
      async () => names(epoch.name).filter((one) => /^[0-9A-F]{24}$/.test(one)),
      (all) => all.length === 0,
    );
    await output('stop', own.wal);
    const [partial, compressed] = names(epoch.name)
      .filter((one) => /^[0-9A-F]{24}/.test(one))
      .reverse();
    for (const name of [partial, compressed]) rmSync(path.join(own.store, epoch.name, name ?? ''));
    await up(own, 'wal');
    const next = await currentEpoch(own);
    expect(next).to.deep.include({ name: `${epoch.name}-2`, reason: 'slot-lost', previous: epoch.name });
    await untilFlushed(own, await commit(own));
    expect(await findGap(own, next)).to.equal(null);
  });

  // Broken: wal_status not looked at (pg_receivewal fails for ever); the slot not dropped.
  it('a slot that postgres had to give up for its own disk: a new epoch; it keeps no more than WAL_KEEP_MAX', async () => {
    const epoch = await currentEpoch(own);
    await output('pause', own.wal);
    await sql(own, 'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where active');
    for (let segment = 0; segment < 7; segment++) await sql(own, 'select pg_switch_wal(); checkpoint');
    expect(await slot('wal_status')).to.equal('lost');
    const lsn = await commit(own);
    await output('unpause', own.wal);
    await untilFlushed(own, lsn);
    await untilWell();
    const next = await currentEpoch(own);
    expect(next).to.include({ reason: 'slot-lost', previous: epoch.name });
    expect(await slot('wal_status')).to.equal('reserved');
    expect(await findGap(own, next)).to.equal(null);
  });

  // Broken: wal_status of no slot taken for a good one.
  it('a slot that somebody drops: a new epoch', async () => {
    const epoch = await currentEpoch(own);
    await output('pause', own.wal);
    await sql(own, 'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where active');
    await sql(own, `select pg_drop_replication_slot('atlas_wal')`);
    await output('unpause', own.wal);
    await untilFlushed(own, await commit(own));
    expect(await currentEpoch(own)).to.include({ reason: 'slot-lost', previous: epoch.name });
  });

  // Broken: remove_missized taken out: refused for ever. compress without its end at the first failure is no matter here.
  it('a full disk: commits go on, it is told why, and once there is room everything arrives', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    await output('stop', own.wal);
    const aside = `${own.store}.aside`;
    await execa('cp', ['-a', own.store, aside]);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=160m,uid=999,gid=999,mode=0700', 'tmpfs', own.store]);
    try {
      await execa('cp', ['-a', `${aside}/.`, own.store]);
      await up(own, 'wal');
      await untilWell();
      const epoch = await currentEpoch(own);
      const fill = path.join(own.store, 'somebody-elses-file');
      const { stdout: free } = await execa('df', ['--output=avail', '-B1', own.store]);
      const room = Number(free.split('\n')[1]) - 3_000_000;
      await execa('dd', ['if=/dev/urandom', `of=${fill}`, 'bs=1M', `count=${Math.floor(room / 2 ** 20)}`]);
      await sql(own, 'create table noise as select gen_random_uuid() from generate_series(1, 300000)');
      const lsn = await commit(own);
      const state = await waitFor(
        'the error',
        async () => readState(own),
        ({ error }) => /No space left/.test(error ?? ''),
      );
      expect(parseLsn(state.flushedLsn ?? '0/0') < parseLsn(lsn), 'the disk was not full').to.equal(true);
      await commit(own);
      rmSync(fill);
      await untilFlushed(own, await commit(own));
      await untilWell();
      expect(await currentEpoch(own)).to.deep.equal(epoch);
      expect(await findGap(own, epoch)).to.equal(null);
    } finally {
      await docker('stop', own.wal);
      await execa('umount', [own.store]);
      rmSync(aside, { recursive: true });
    }
  });

  // Broken: the plain file removed before the rename.
  it('compression that is killed at any moment leaves no half file under a final name', async () => {
    const script = `
      set -eu; umask 077; mkdir /tmp/store /tmp/store/e; cd /tmp/store/e
      store=/tmp/store; . /etc/wal-atlas/segments.sh; set -m
      head -c 8000000 /dev/urandom >noise; head -c 8777216 /dev/zero >>noise
      for round in $(seq 1 12); do
        segment=0000000100000000000000$(printf %02X "$round"); cp noise "$segment"
        (set -Eeuo pipefail; shopt -s nullglob; compress_complete none) >/dev/null 2>&1 & pid=$!
        sleep "0.$(printf %03d $((RANDOM % 400)))"; kill -KILL -- "-$pid" 2>/dev/null || true; wait "$pid" || true
        for file in *.zst; do
          [ -e "$file" ] || continue
          zstd -dcq "$file" | cmp - noise || echo "half: $file"
        done
        for file in *.zst; do
          [ ! -e "$file" ] || [ -e "\${file%.zst}" ] || grep -q " $file\\$" SHA256SUMS || echo "no sum: $file"
        done
        [ -e "$segment" ] || [ -e "$segment.zst" ] || echo "lost: $segment"
      done
      (set -Eeuo pipefail; shopt -s nullglob; compress_complete none)
      sha256sum --check --quiet SHA256SUMS; ls -A | grep -v SHA256SUMS | grep -vc zst`;
    const scripts = path.join(own.clone.directory, 'compose/wal');
    const mounts = ['-v', `${scripts}:/etc/wal-atlas:ro`, '--entrypoint', 'bash', own.image];
    expect(await output('run', '--rm', ...mounts, '-c', script)).to.equal('1');
  });

  it('scripts that a checkout brings are taken up', async () => {
    await up(own, 'wal');
    const started = () => output('inspect', '--format', '{{.State.StartedAt}}', own.wal);
    const before = await started();
    await execa('touch', [path.join(own.clone.directory, 'compose/wal/epoch.sh')]);
    await waitFor('another start', started, (time) => time !== before);
    await untilWell();
    expect(existsSync(path.join(own.store, 'state.json'))).to.equal(true);
    expect(JSON.parse(readFileSync(path.join(own.store, 'state.json'), 'utf8'))).to.include({ error: null });
  });
});
