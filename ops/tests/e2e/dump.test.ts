// Each guarantee was broken once in the code and seen to fail here; what was broken stands beside the test.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { listBackups } from '../../src/host/catalogue.ts';
import { verifyFiles } from '../../src/host/digest.ts';
import { takeDump } from '../../src/host/dump.ts';
import { readFingerprints } from '../../src/host/fingerprints.ts';
import { restoreDump } from '../../src/host/restore.ts';
import { swapDatabases } from '../../src/host/swap.ts';
import { compareTables, type Manifest } from '../../src/plan/backups.ts';
import { Failure } from '../../src/report/failure.ts';
import { docker, output, until } from './images/containers.ts';
import { stack } from './stack.ts';

const name = `atlas-dump-${process.pid}`;
const initFiles = path.resolve(import.meta.dirname, '../../../compose/postgres/init');
const bin = '/usr/lib/postgresql/17/bin';
const now = new Date('2026-11-24T07:15:30Z');
let backups: string;

const SCHEMA = `
create table salons (id bigint generated always as identity primary key, name text, rating float8, opened timestamptz);
create table visits (id int, length interval, kind regclass, photo bytea) partition by range (id);
create table visits_1 partition of visits for values from (0) to (10);
create table visits_2 partition of visits for values from (10) to (20);
alter table salons owner to atlas;
create schema audit;
create table audit."Log Entries" (t text, n int);
grant usage on schema audit to atlas;
grant select on audit."Log Entries" to atlas;
create role reader;
grant connect on database atlas to reader;
alter database atlas connection limit 50;
insert into salons (name, rating, opened) values ('Lumière', 1/3::float8, now()), ('Sevra', 0.1, '2026-03-21');
insert into visits values (1, '36 hours', 'salons', 'a'), (11, '1 mon -2 days', null, null);
insert into audit."Log Entries" values ('a', 1), ('b|c', 2), (null, 3);
`;

// Nothing about any of them may be lost by a restore.
const DATABASE_FACTS = `select pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider, datcollate,
  datctype, datconnlimit, array(select unnest(datacl)::text order by 1), setrole::regrole, setconfig
  from pg_database d left join pg_db_role_setting s on s.setdatabase = d.oid where datname = 'atlas'
  order by setrole`;
const TABLE_FACTS = `select relnamespace::regnamespace, relname, relkind, pg_get_userbyid(relowner), relacl
  from pg_class where relnamespace::regnamespace::text in ('public', 'audit') order by 1, 2`;

// Each of them changes the text of some value above.
const OTHER_SETTINGS = `
alter database atlas set timezone = 'Asia/Tehran';
alter database atlas set datestyle = 'German, DMY';
alter database atlas set intervalstyle = 'iso_8601';
alter database atlas set extra_float_digits = -9;
alter database atlas set bytea_output = 'escape';
alter database atlas set search_path = audit, "$user";
alter database atlas set sevra.motto = 'it''s = "so"';
alter role reader in database atlas set search_path = '';
alter role reader in database atlas set work_mem = '5MB';
`;

const sql = (script: string, database = 'atlas', user = 'postgres') =>
  output(
    ...['exec', name, `${bin}/psql`, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', user, '-d', database],
    ...['-c', script],
  );
const salons = (database = 'atlas') => sql('select id, name from public.salons order by id', database);
const databases = () =>
  sql(`select datname from pg_database where datname like 'atlas%' order by 1`, 'postgres');

const dump = (reason = 'before-v2') =>
  takeDump({
    ...{ postgresContainer: name, postgresImage: 'image', release: 'v1', migrations: ['a', 'b'] },
    ...{ reason, backups },
  });
const restore = (manifest: Manifest, whenReady = async () => {}, postgresContainer = name) =>
  restoreDump(manifest, { postgresContainer, whenReady, now, backups });

/** Puts a script in the place of a program of postgres, until the test ends. */
async function replace(program: 'pg_dump' | 'pg_restore' | 'psql', script: string): Promise<void> {
  const file = `/usr/local/bin/${program}`;
  const install = `cat > ${file} && chmod 755 ${file}`;
  await execa('docker', ['exec', '-i', '-u', '0', name, 'sh', '-c', install], {
    input: `#!/bin/sh\n${script}\n`,
  });
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Failure)) throw error;
  return error;
}

describe('a dump', function () {
  this.timeout(240_000);

  before(async () => {
    await output(
      ...['run', '--detach', '--name', name, '--label', 'atlas.test=dump', '--user', '999:999'],
      ...['-v', `${initFiles}:/docker-entrypoint-initdb.d:ro`, '-e', 'POSTGRES_PASSWORD=x'],
      ...['-e', 'APP_PASSWORD=y', '-e', 'POSTGRES_INITDB_ARGS=--data-checksums --encoding=UTF8'],
      stack().settings().POSTGRES_IMAGE ?? '',
      // Far below the 60 s of compose/data.yml, so that a session it may end is seen to end.
      ...['postgres', '-cidle_in_transaction_session_timeout=1s'],
    );
    await until(name, 'pg_isready', '-q', '-h', '127.0.0.1');
    await sql(SCHEMA);
  });
  beforeEach(async () => {
    backups = await mkdtemp(path.join(tmpdir(), 'atlas-dump-'));
  });
  afterEach(async () => {
    await rm(backups, { recursive: true });
    const files =
      '/usr/local/bin/pg_dump /usr/local/bin/pg_restore /usr/local/bin/psql /tmp/dumping /tmp/clients'.split(
        ' ',
      );
    await output('exec', '-u', '0', name, 'rm', '-f', ...files);
    const kept = (await databases()).split('\n').filter((one) => one !== 'atlas');
    for (const one of kept) await sql(`drop database ${one} with (force)`, 'postgres');
  });
  after(() => docker('rm', '--force', '--volumes', name));

  // Broken: without --snapshot; without idle_in_transaction_session_timeout = 0; each of STABLE_SETTINGS but the
  // last three; pg_restore --no-owner; createAlike without owner, limit, revoke, grants, settings; lists quoted as
  // one value; without analyze; databases of killed restores left; swapped before whenReady.
  it('is one moment of the database, and a restore brings exactly that back', async () => {
    await replace('pg_dump', `touch /tmp/dumping; sleep 2; exec ${bin}/pg_dump "$@"`);
    const [before, tables] = [await salons(), await sql(TABLE_FACTS)];
    const taking = dump();
    await until(name, 'test', '-e', '/tmp/dumping');
    await sql(`insert into public.salons (name) values ('during the dump')`);
    const manifest = await taking;
    await sql(
      `update public.salons set name = 'changed' where id = 1; delete from public.salons where id = 2`,
    );
    for (const setting of OTHER_SETTINGS.trim().split('\n')) await sql(setting);
    const [changed, facts] = [await salons(), await sql(DATABASE_FACTS)];
    await sql('create database atlas_restore_20200101t000000z', 'postgres');

    const { keptDatabase } = await restore(manifest, async () => {
      expect(await salons(), 'until then the current one is in place').to.equal(changed);
    });
    expect(keptDatabase).to.equal('atlas_before_20261124t071530z');
    expect(await databases()).to.equal(`atlas\n${keptDatabase}`);
    expect(await salons()).to.equal(before);
    expect(await salons(keptDatabase)).to.equal(changed);
    expect(await readFingerprints(name, 'atlas')).to.deep.equal(manifest.tables);
    expect(await sql(DATABASE_FACTS)).to.equal(facts);
    expect(await sql(TABLE_FACTS)).to.equal(tables);
    await sql(`insert into public.salons (name) values ('new')`, 'atlas', 'atlas');
    const analyzed = `select count(*) > 0 from pg_stats where schemaname = 'public' and tablename = 'salons'`;
    expect(await sql(analyzed), 'analyzed').to.equal('t');

    await swapDatabases(name, keptDatabase, new Date('2026-11-24T07:16:00Z'));
    expect(await salons(), 'the way back').to.equal(changed);
  });

  // Broken: both modes; another hash; bytes not counted; t instead of (t.*), which is the column t; partitions
  // counted twice; the list not sorted; role passwords dumped.
  it('is a directory of mode 700 with a manifest that tells everything', async () => {
    const first = await dump('before v1/../x');
    const manifest = await dump();
    expect(await listBackups(backups)).to.deep.equal([manifest, first]);
    expect(manifest).to.deep.include({
      release: 'v1',
      reason: 'before-v2',
      migrations: ['a', 'b'],
      format: 1,
    });
    expect(manifest.postgres.version).to.match(/^17\./);
    const counts = manifest.tables.map((table) => `${table.name} ${table.rows}`);
    const entries = await sql('select count(*) from audit."Log Entries"');
    const rows = await sql('select count(*) from public.salons');
    expect(counts).to.deep.equal([
      ...[`audit."Log Entries" ${entries}`, `public.salons ${rows}`],
      ...['public.visits_1 1', 'public.visits_2 1'],
    ]);
    await sql('update audit."Log Entries" set n = n + 1 where n = 3');
    const [changed] = compareTables(manifest.tables, await readFingerprints(name, 'atlas'));
    expect(changed, 'any column counts').to.match(/^audit\."Log Entries": dumped 3 rows/);
    expect(await readdir(backups)).to.have.members([first.id, manifest.id]);
    const directory = path.join(backups, manifest.id);
    expect(((await stat(directory)).mode & 0o777).toString(8)).to.equal('700');
    for (const file of await readdir(directory))
      expect(((await stat(path.join(directory, file))).mode & 0o777).toString(8), file).to.equal('600');
    expect(manifest.files.map((file) => file.name)).to.deep.equal(['database.dump', 'globals.sql']);
    for (const { name: file, bytes, sha256 } of manifest.files) {
      const content = await readFile(path.join(directory, file));
      expect([bytes, sha256]).to.deep.equal([
        content.length,
        createHash('sha256').update(content).digest('hex'),
      ]);
    }
    const globals = await readFile(path.join(directory, 'globals.sql'), 'utf8');
    expect(globals)
      .to.include('CREATE ROLE atlas')
      .and.not.match(/PASSWORD '/);
  });

  const FAILING: [why: string, script: string, message: RegExp, log: RegExp][] = [
    ['is killed', `${bin}/pg_dump "$@" | head -c 500; kill -9 $$`, /pg_dump exited with 137/, /^$/],
    ['fails', 'seq 101 140 >&2; exit 3', /pg_dump exited with 3/, /^126\n(.*\n)*140$/],
    // The locks that keep tables from being changed under the dump are gone with it.
    [
      'loses the session of its snapshot',
      `${bin}/pg_dump "$@"; ${bin}/psql -U postgres -qc "select pg_terminate_backend(pid) from pg_stat_activity
        where state = 'idle in transaction'" >&2`,
      /psql exited with/,
      /terminating connection/,
    ],
  ];
  // Broken: exit codes ignored; `commit` left out; the failed dump's directory left.
  for (const [why, script, message, log] of FAILING)
    it(`that ${why} is none, and says why`, async () => {
      await replace('pg_dump', script);
      const failure = await failureOf(dump());
      expect(failure.message).to.match(message);
      expect(failure.details.log).to.match(log);
      expect(failure.details.state).to.include('no backup was made');
      expect(failure.details.command).to.match(/^docker exec .*(pg_dump|psql)/);
      expect(await readdir(backups)).to.deep.equal([]);
    });

  // Broken: written under the final name; partial directories or sessions of the killed one left.
  it('whose whole process is killed is none, and the next one clears away what it left', async () => {
    await replace('pg_dump', `touch /tmp/dumping; ${bin}/psql -U postgres -c 'select pg_sleep(600)'`);
    const request = {
      postgresContainer: name,
      postgresImage: 'x',
      release: '',
      reason: 'killed',
      migrations: [],
    };
    const code = `const { takeDump } = await import('${path.resolve(import.meta.dirname, '../../src/host/dump.ts')}');
      await takeDump(${JSON.stringify({ ...request, backups })});`;
    const child = execa(process.execPath, ['--import', 'tsx', '--input-type', 'module', '--eval', code], {
      reject: false,
    });
    await until(name, 'test', '-e', '/tmp/dumping');
    child.kill('SIGKILL');
    await child;
    const [left, ...others] = await readdir(backups);
    expect(left).to.match(/^\..*-killed\.partial$/);
    expect(others).to.deep.equal([]);
    expect(await listBackups(backups)).to.deep.equal([]);

    await replace('pg_dump', `exec ${bin}/pg_dump "$@"`);
    const { id } = await dump();
    expect(await readdir(backups)).to.deep.equal([id]);
    expect(await sql(`select query from pg_stat_activity where application_name = 'atlas-backup'`)).to.equal(
      '',
    );
  });

  // Broken: written under the final name, without .partial.
  it('that is killed at 20 random moments never lists, and leaves the earlier one as it was', async () => {
    await sql(`create table filler as select n, md5(n::text) from generate_series(1, 200000) n`);
    try {
      const first = await dump();
      const before = JSON.stringify(await listBackups(backups));
      const request = { postgresContainer: name, postgresImage: 'x', release: '', reason: 'killed' };
      const code = `const { takeDump } = await import('${path.resolve(import.meta.dirname, '../../src/host/dump.ts')}');
        console.log('begins');
        await takeDump(${JSON.stringify({ ...request, migrations: [], backups })});`;
      let cut = 0;
      for (let count = 0; count < 20; count++) {
        const args = ['--import', 'tsx', '--input-type', 'module', '--eval', code];
        const child = execa(process.execPath, args, { reject: false });
        await new Promise((resolve) => child.stdout.once('data', resolve));
        // Anywhere in what the first one took, and a little beyond.
        const milliseconds = Math.random() * (first.seconds * 1000 + 200);
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        child.kill('SIGKILL');
        await child;
        const left = await readdir(backups);
        if (left.some((one) => one.startsWith('.'))) cut += 1;
        const found = await listBackups(backups);
        const visible = left.filter((one) => !one.startsWith('.')).sort();
        expect(found.map(({ id }) => id).sort(), `after ${milliseconds} ms`).to.deep.equal(visible);
        for (const ended of found.filter(({ id }) => id !== first.id)) {
          await verifyFiles(ended, path.join(backups, ended.id));
          await rm(path.join(backups, ended.id), { recursive: true });
        }
        expect(JSON.stringify(await listBackups(backups))).to.equal(before);
      }
      expect(cut, 'of 20, cut in the middle').to.be.at.least(3);
      await verifyFiles(first, path.join(backups, first.id));
    } finally {
      await sql('drop table filler');
    }
  });

  // Broken: the error of the stream ignored.
  it('that fills the disk is none, and the earlier one stays', async function () {
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'atlas-test', backups], {
      reject: false,
    });
    if (mounted.exitCode !== 0) return this.skip();
    try {
      const first = await dump();
      await replace('pg_dump', `${bin}/pg_dump "$@"; cat /dev/zero`);
      await replace('pg_restore', 'cat > /dev/null');
      const failure = await failureOf(dump());
      expect(failure.message).to.match(/ENOSPC|no space left/);
      expect(failure.details.state).to.include('no backup was made');
      expect(await readdir(backups)).to.deep.equal([first.id]);
    } finally {
      await execa('umount', [backups]);
    }
  });

  // Broken: the reader's exit code ignored.
  it('that pg_restore does not understand is none', async () => {
    await replace('pg_dump', `${bin}/pg_dump "$@" | head -c 2000`);
    expect((await failureOf(dump())).message).to.match(/pg_restore exited with 1/);
    expect(await readdir(backups)).to.deep.equal([]);
  });

  // Broken: without --snapshot, the fingerprints of another one.
  it('taken while somebody writes is one moment: what is restored equals its fingerprints', async () => {
    let isOver = false;
    const writing = (async () => {
      for (let count = 0; !isOver; count++)
        await sql(
          `insert into public.salons (name) select 'load ' || n from generate_series(1, 200) n;
           update public.salons set rating = ${count} where id % 7 = ${count % 7};
           delete from public.salons where id > 2 and id % 50 = ${count % 50}`,
        );
    })();
    try {
      const taken = await dump();
      const { keptDatabase } = await restore(taken);
      expect(await readFingerprints(name, 'atlas')).to.not.deep.equal(
        await readFingerprints(name, keptDatabase),
      );
    } finally {
      isOver = true;
      await writing.catch(() => {}); // its session is ended by the swap
      await sql('delete from public.salons where id > 2');
    }
  });

  // Broken: the check left out.
  it('that has no room is refused before anything is written', async () => {
    const file = `base/$(${bin}/psql -XAtU postgres -c "select oid from pg_database where datname = 'atlas'")/hole`;
    const inData = (command: string) =>
      output('exec', name, 'sh', '-c', `cd "$PGDATA" && ${command} "${file}"`);
    await inData('truncate -s 15T');
    try {
      const failure = await failureOf(dump());
      expect(failure.message).to.match(/the disk is too full for a dump of \d{8} MB/);
      expect(failure.details.next).to.match(/^free \d+ MB where .*atlas-dump-/);
      expect(await readdir(backups)).to.deep.equal([]);
    } finally {
      await inData('rm');
    }
  });

  describe('that is restored', () => {
    let manifest: Manifest;
    let before: string;
    const neverReady = async () => expect.fail('whenReady was called');
    const dumpFile = () => path.join(backups, manifest.id, 'database.dump');

    beforeEach(async () => {
      manifest = await dump();
      await sql(`insert into public.salons (name) values ('after the dump')`);
      before = await salons();
    });

    async function expectNothingChanged(failure: Failure, message: RegExp): Promise<void> {
      expect(failure.message).to.match(message);
      expect(failure.details.state).to.match(/nothing was changed|the database is as it was$/);
      expect(failure.details.next).to.be.a('string');
      expect(await salons()).to.equal(before);
      expect(await databases()).to.not.match(/restore/);
    }

    // Broken: SHA-256 not compared; size not compared; verified after the new database was made.
    it('is refused when one byte of it is not as it was', async () => {
      const bytes = await readFile(dumpFile());
      const middle = Math.floor(bytes.length / 2);
      bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
      await writeFile(dumpFile(), bytes);
      // No such container: whoever asks it for anything gets another failure.
      const flipped = await failureOf(restore(manifest, neverReady, 'atlas-dump-nobody'));
      await expectNothingChanged(flipped, /is damaged: database\.dump has another SHA-256/);
      await truncate(dumpFile(), middle);
      await expectNothingChanged(
        await failureOf(restore(manifest, neverReady)),
        /is damaged: .*bytes instead of/,
      );
      await rm(dumpFile());
      await expectNothingChanged(await failureOf(restore(manifest, neverReady)), /is damaged: .*is missing/);
    });

    // Broken: fingerprints not compared; whenReady before the comparison; the new database left.
    it('is refused when it does not hold the rows that the manifest says', async () => {
      const [table, ...rest] = manifest.tables;
      const other = { ...manifest, tables: [{ ...table, sum: '1' } as never, ...rest] };
      const failure = await failureOf(restore(other, neverReady));
      await expectNothingChanged(failure, /1 tables do not hold what was dumped/);
      expect(failure.details.log).to.match(
        /^audit\."Log Entries": dumped \d rows, sum 1; restored \d rows, sum -?\d+$/,
      );
    });

    // Broken: exit code ignored.
    it('is refused when pg_restore fails half-way, with its last lines', async () => {
      await sql('create role gone; alter table audit."Log Entries" owner to gone');
      const other = await dump('of a role');
      await sql('alter table audit."Log Entries" owner to postgres; drop role gone');
      const failure = await failureOf(restore(other, neverReady));
      await expectNothingChanged(failure, /pg_restore exited with 1/);
      expect(failure.details.log).to.include('role "gone" does not exist');
    });

    // Broken: the new database left.
    it('changes nothing when the site cannot be stopped', async () => {
      const refuse = async () => {
        throw new Failure('worker does not stop', { next: 'make logs SERVICE=worker' });
      };
      const failure = await failureOf(restore(manifest, refuse));
      await expectNothingChanged(failure, /worker does not stop/);
      expect(failure.details.next).to.equal('make logs SERVICE=worker');
    });

    // Broken: without begin and commit; the failure of the swap ignored.
    it('changes nothing when the swap fails at either rename', async () => {
      await sql('create database atlas_before_20261124t071530z', 'postgres');
      const failure = await failureOf(restore(manifest));
      await expectNothingChanged(failure, /psql exited with/);
      expect(failure.details.log).to.include('already exists');
      const there = await databases();
      await failureOf(swapDatabases(name, 'atlas_nobody', new Date('2026-11-24T07:16:00Z')));
      expect(await databases()).to.equal(there);
    });

    // Broken: the failure believed.
    it('is in place when only the answer to the swap was lost', async () => {
      const lose = `script=$(cat); printf '%s\\n' "$script" | ${bin}/psql "$@" && case $script in *rename*) exit 9; esac`;
      await replace('psql', lose);
      const { keptDatabase } = await restore(manifest);
      expect(await salons(keptDatabase)).to.equal(before);
      expect(await salons()).to.not.equal(before);
    });

    // Broken: the check left out.
    it('is refused when the disk of postgres has no room for it', async () => {
      const big = { ...manifest, database: { name: 'atlas', bytes: 2e15 } };
      await expectNothingChanged(await failureOf(restore(big, neverReady)), /disk is too full for a second/);
    });

    // Broken: sessions ended once, before the rename; not at all.
    it('gets into place although clients come back as fast as they can', async () => {
      await output('exec', name, 'touch', '/tmp/clients');
      const client = `while [ -e /tmp/clients ]; do ${bin}/psql -U atlas -c 'select pg_sleep(300)'; done`;
      for (let count = 0; count < 8; count++) await output('exec', '-d', name, 'sh', '-c', client);
      const connected = `do $$ begin while (select count(*) from pg_stat_activity where query like '%sleep(300)') < 8
        loop perform pg_sleep(0.1), pg_stat_clear_snapshot(); end loop; end $$`;
      await sql(connected, 'postgres');
      await restore(manifest);
      expect(await salons()).to.not.equal(before);
      expect(await readFingerprints(name, 'atlas')).to.deep.equal(manifest.tables);
    });
  });
});
