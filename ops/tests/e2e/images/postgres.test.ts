import { gzipSync } from 'node:zlib';
import { assert } from 'chai';
import {
  assertVersion,
  config,
  describeImage,
  docker,
  inside,
  labels,
  noPrivileges,
  once,
  output,
  prefix,
  stop,
  uidOfService,
  until,
} from './containers.ts';

describeImage('postgres', 'POSTGRES_IMAGE', (scope) => {
  const name = `${prefix}-postgres`;
  const query = (...args: string[]) =>
    output('exec', '-e', 'PGPASSWORD=right', name, 'psql', '-XAt', '-h', '127.0.0.1', ...args);

  it('is version 17, with uid 999 and the usual paths', async () => {
    assertVersion(await once(scope.image, 'postgres', '--version'), '17.0', '18');
    const facts = await inside(
      scope.image,
      'id -u postgres; id -g postgres; echo $PGDATA; stat -c "%a %U" $PGDATA /docker-entrypoint-initdb.d; for tool in pg_dump pg_receivewal pg_basebackup zstd; do command -v $tool; done',
    );
    const [uid, gid, data, dataMode, ...commands] = facts.split('\n');
    assert.deepEqual([uid, gid, data, dataMode], ['999', '999', '/var/lib/postgresql/data', '1777 postgres']);
    assert.lengthOf(commands, 5);
    const { Volumes, StopSignal, Entrypoint, Cmd } = await config(scope.image);
    assert.deepEqual(Volumes, { '/var/lib/postgresql/data': {} });
    assert.equal(StopSignal, 'SIGINT');
    assert.deepEqual([Entrypoint, Cmd], [['docker-entrypoint.sh'], ['postgres']]);
  });

  it('initialises a fresh volume as 999:999 on a read-only root, and shuts down fast', async () => {
    await scope.file('10-run.sh', '#!/bin/sh\npsql -X -U postgres -c "CREATE TABLE run (n int)"\n', 0o755);
    await scope.file('20-sourced.sh', 'docker_process_sql -c "CREATE TABLE sourced (n int)"\n', 0o644);
    await scope.file('30.sql', 'CREATE TABLE plain (n int);', 0o644);
    await scope.file('40.sql.gz', gzipSync('INSERT INTO plain VALUES (40);'), 0o644);
    await output(
      ...['run', '--detach', '--name', name, ...labels, ...noPrivileges, '--user', '999:999'],
      ...['--tmpfs', '/tmp', '--tmpfs', '/var/run/postgresql:uid=999,gid=999,mode=0775'],
      ...[
        '-v',
        `${prefix}-data:/var/lib/postgresql/data`,
        '-v',
        `${scope.directory}:/docker-entrypoint-initdb.d:ro`,
      ],
      ...['-e', 'POSTGRES_PASSWORD=right', '-e', 'POSTGRES_INITDB_ARGS=--data-checksums --encoding=UTF8'],
      ...[scope.image, 'postgres', '-cmax_connections=42'],
    );
    await until(name, 'pg_isready', '-q', '-h', '127.0.0.1');
    assert.equal(
      await query(
        '-U',
        'postgres',
        '-c',
        "SELECT current_setting('data_checksums'), current_setting('listen_addresses'), current_setting('max_connections'), datcollate FROM pg_database WHERE datname = 'postgres'",
      ),
      'on|*|42|en_US.utf8',
    );
    assert.equal(
      await query(
        '-U',
        'postgres',
        '-c',
        'SELECT n FROM plain, (SELECT count(*) FROM run, sourced) AS both_exist',
      ),
      '40',
    );
    const remote = (password: string) =>
      docker(
        'exec',
        '-e',
        `PGPASSWORD=${password}`,
        name,
        'sh',
        '-c',
        'psql -XAt -U postgres -h $HOSTNAME -c "SELECT 1"',
      );
    assert.equal((await remote('right')).stdout, '1');
    assert.match((await remote('wrong')).stderr, /password authentication failed/);

    const { exitCode, log } = await stop(name);
    assert.equal(exitCode, '0', log);
    assert.match(log, /received fast shutdown request[\s\S]*database system is shut down/);

    await output('start', name);
    await until(name, 'pg_isready', '-q', '-h', '127.0.0.1');
    assert.equal(
      await query('-U', 'postgres', '-c', 'SELECT n FROM plain'),
      '40',
      'the second start keeps the data',
    );
  });

  it('started as root steps down, and takes its secrets from files', async () => {
    const secret = await scope.file('secret', 'right\n', 0o644);
    await output(
      ...['run', '--detach', '--name', name, ...labels, '-v', `${secret}:/run/secret:ro`],
      ...[
        '-e',
        'POSTGRES_PASSWORD_FILE=/run/secret',
        '-e',
        'POSTGRES_USER=boss',
        '-e',
        'POSTGRES_DB=shop',
        scope.image,
      ],
    );
    await until(name, 'pg_isready', '-q', '-h', '127.0.0.1');
    assert.equal(await uidOfService(name), '999');
    assert.equal(
      await query('-U', 'boss', '-d', 'shop', '-c', 'SELECT current_user, current_database()'),
      'boss|shop',
    );
  });

  it('refuses to initialise without a password', async () => {
    const result = await docker('run', '--rm', ...labels, scope.image);
    assert.notEqual(result.exitCode, 0);
    assert.match(result.all, /POSTGRES_PASSWORD/);
  });
});
