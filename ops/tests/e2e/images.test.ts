// What the stack relies on in its five base images. It must hold for the official images and for those of
// compose/images alike: an assertion that only one set can pass is a bug here or there.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { assert } from 'chai';
import { execa } from 'execa';
import { stack } from './stack.ts';

const labels = ['--label', 'atlas.test=images'];
const prefix = `atlas-images-${process.pid}`;
const noPrivileges = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only'];

async function docker(...args: string[]) {
  return execa('docker', args, { reject: false, all: true, stdin: 'ignore' });
}

/** Standard output of a docker command that must succeed. */
async function output(...args: string[]): Promise<string> {
  const result = await docker(...args);
  assert.equal(result.exitCode, 0, `docker ${args.join(' ')}\n${result.all}`);
  return result.stdout;
}

async function once(image: string, ...command: string[]): Promise<string> {
  return output('run', '--rm', ...labels, image, ...command);
}

/** The image's command line with its entrypoint out of the way. */
async function inside(image: string, script: string): Promise<string> {
  return output('run', '--rm', ...labels, '--entrypoint', 'sh', image, '-c', script);
}

async function config(image: string) {
  return JSON.parse(await output('image', 'inspect', '--format', '{{json .Config}}', image));
}

/** Waits up to 15 s for a command inside the container to succeed; shows the container's log otherwise. */
async function until(name: string, ...command: string[]): Promise<string> {
  for (let attempt = 0; attempt < 75; attempt++) {
    const result = await docker('exec', name, ...command);
    if (result.exitCode === 0) return result.stdout;
    await sleep(200);
  }
  throw new Error(`${name}: ${command.join(' ')} never succeeded\n${(await docker('logs', name)).all}`);
}

/** uid of the container's first process: who the service really runs as. */
async function uidOfService(name: string): Promise<string> {
  return (await output('exec', name, 'sh', '-c', 'set -- $(grep ^Uid: /proc/1/status); echo $3')).trim();
}

async function stop(name: string): Promise<{ exitCode: string; log: string }> {
  await output('stop', '--time', '15', name);
  const exitCode = await output('inspect', '--format', '{{.State.ExitCode}}', name);
  return { exitCode, log: (await docker('logs', name)).all };
}

/** True when `version` is `floor` or newer, number by number. */
function atLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((text) => text.split('.').map(Number));
  for (const [index, number] of (want ?? []).entries()) {
    const difference = (have?.[index] ?? 0) - number;
    if (difference) return difference > 0;
  }
  return true;
}

function assertVersion(text: string, floor: string, below = '999') {
  const version = /\d+(\.\d+)+/.exec(text)?.[0] ?? '0';
  assert.isTrue(atLeast(version, floor), `${version} is older than ${floor}`);
  assert.isFalse(atLeast(version, below), `${version} is not below ${below}`);
}

describe('the base images that deploy chose', function () {
  this.timeout(60_000);
  let directory = '';

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), `${prefix}-`));
    await chmod(directory, 0o755);
  });
  afterEach(async () => {
    const names = await output('ps', '--all', '--filter', `name=^${prefix}-`, '--format', '{{.Names}}');
    if (names) await output('rm', '--force', '--volumes', ...names.split('\n'));
  });
  after(async () => {
    if (!directory) return;
    await docker('volume', 'rm', '--force', `${prefix}-data`);
    await rm(directory, { recursive: true });
  });

  async function file(name: string, content: string | Buffer, mode: number): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  describe('postgres', () => {
    let image = '';
    before(() => {
      image = stack().settings().POSTGRES_IMAGE ?? '';
    });
    const name = `${prefix}-postgres`;
    const query = (...args: string[]) =>
      output('exec', '-e', 'PGPASSWORD=right', name, 'psql', '-XAt', '-h', '127.0.0.1', ...args);

    it('is version 17, with uid 999 and the usual paths', async () => {
      assertVersion(await once(image, 'postgres', '--version'), '17.0', '18');
      const facts = await inside(
        image,
        'id -u postgres; id -g postgres; echo $PGDATA; stat -c "%a %U" $PGDATA /docker-entrypoint-initdb.d; for tool in pg_dump pg_receivewal pg_basebackup zstd; do command -v $tool; done',
      );
      const [uid, gid, data, dataMode, ...commands] = facts.split('\n');
      assert.deepEqual(
        [uid, gid, data, dataMode],
        ['999', '999', '/var/lib/postgresql/data', '1777 postgres'],
      );
      assert.lengthOf(commands, 5);
      const { Volumes, StopSignal, Entrypoint, Cmd } = await config(image);
      assert.deepEqual(Volumes, { '/var/lib/postgresql/data': {} });
      assert.equal(StopSignal, 'SIGINT');
      assert.deepEqual([Entrypoint, Cmd], [['docker-entrypoint.sh'], ['postgres']]);
    });

    it('initialises a fresh volume as 999:999 on a read-only root, and shuts down fast', async () => {
      await file('10-run.sh', '#!/bin/sh\npsql -X -U postgres -c "CREATE TABLE run (n int)"\n', 0o755);
      await file('20-sourced.sh', 'docker_process_sql -c "CREATE TABLE sourced (n int)"\n', 0o644);
      await file('30.sql', 'CREATE TABLE plain (n int);', 0o644);
      await file('40.sql.gz', gzipSync('INSERT INTO plain VALUES (40);'), 0o644);
      await output(
        ...['run', '--detach', '--name', name, ...labels, ...noPrivileges, '--user', '999:999'],
        ...['--tmpfs', '/tmp', '--tmpfs', '/var/run/postgresql:uid=999,gid=999,mode=0775'],
        ...[
          '-v',
          `${prefix}-data:/var/lib/postgresql/data`,
          '-v',
          `${directory}:/docker-entrypoint-initdb.d:ro`,
        ],
        ...['-e', 'POSTGRES_PASSWORD=right', '-e', 'POSTGRES_INITDB_ARGS=--data-checksums --encoding=UTF8'],
        ...[image, 'postgres', '-cmax_connections=42'],
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
      const secret = await file('secret', 'right\n', 0o644);
      await output(
        ...['run', '--detach', '--name', name, ...labels, '-v', `${secret}:/run/secret:ro`],
        ...[
          '-e',
          'POSTGRES_PASSWORD_FILE=/run/secret',
          '-e',
          'POSTGRES_USER=boss',
          '-e',
          'POSTGRES_DB=shop',
          image,
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
      const result = await docker('run', '--rm', ...labels, image);
      assert.notEqual(result.exitCode, 0);
      assert.match(result.all, /POSTGRES_PASSWORD/);
    });
  });

  describe('redis', () => {
    let image = '';
    before(() => {
      image = stack().settings().REDIS_IMAGE ?? '';
    });
    const name = `${prefix}-redis`;

    it('is version 8, with uid 999 and /data', async () => {
      assertVersion(await once(image, 'redis-server', '--version'), '8.0', '9');
      assert.equal(
        await inside(image, 'id -u redis; id -g redis; pwd; stat -c %U /data'),
        '999\n999\n/data\nredis',
      );
      const { Volumes, Entrypoint, Cmd } = await config(image);
      assert.deepEqual(Volumes, { '/data': {} });
      assert.deepEqual([Entrypoint, Cmd], [['docker-entrypoint.sh'], ['redis-server']]);
    });

    it('runs as 999 with a password from a tmpfs, and exits 0 on SIGTERM', async () => {
      await output(
        ...['run', '--detach', '--name', name, ...labels, ...noPrivileges, '--user', '999:999'],
        ...[
          '--tmpfs',
          '/run/redis:uid=999,gid=999,mode=0700',
          '-e',
          'REDISCLI_AUTH=right',
          image,
          'sh',
          '-c',
        ],
        'echo "requirepass $REDISCLI_AUTH" >/run/redis/redis.conf && exec redis-server /run/redis/redis.conf',
      );
      await until(name, 'sh', '-c', 'test "$(redis-cli ping)" = PONG');
      assert.equal(await uidOfService(name), '999');
      assert.match(await output('exec', '-e', 'REDISCLI_AUTH=', name, 'redis-cli', 'ping'), /NOAUTH/);
      const { exitCode, log } = await stop(name);
      assert.equal(exitCode, '0', log);
      assert.match(log, /SIGTERM/);
    });

    it('started as root with a flag steps down, with protected mode off', async () => {
      await output('run', '--detach', '--name', name, ...labels, image, '--appendonly', 'yes');
      await until(name, 'sh', '-c', 'test "$(redis-cli ping)" = PONG');
      assert.equal(await uidOfService(name), '999');
      assert.equal(
        await output('exec', name, 'redis-cli', 'config', 'get', 'protected-mode'),
        'protected-mode\nno',
      );
      assert.equal(await output('exec', name, 'redis-cli', 'config', 'get', 'appendonly'), 'appendonly\nyes');
      assert.equal(await output('exec', name, 'stat', '-c', '%U', '/data/appendonlydir'), 'redis');
    });
  });

  describe('nginx', () => {
    let image = '';
    before(() => {
      image = stack().settings().NGINX_IMAGE ?? '';
    });
    const name = `${prefix}-nginx`;

    it('is at least 1.30.6, with uid 101 and the usual paths', async () => {
      assertVersion(await inside(image, 'nginx -v 2>&1'), '1.30.6');
      assert.equal(await inside(image, 'id -u nginx; id -g nginx'), '101\n101');
      await inside(
        image,
        'cd /etc/nginx && test -s mime.types && test -s conf.d/default.conf && test ! -e sites-enabled',
      );
      await inside(image, 'command -v envsubst && command -v bash && nginx -V 2>&1 | grep -q http_v2_module');
      assert.equal(
        await inside(image, 'readlink /var/log/nginx/access.log /var/log/nginx/error.log'),
        '/dev/stdout\n/dev/stderr',
      );
      const { StopSignal, Entrypoint, Cmd } = await config(image);
      assert.equal(StopSignal, 'SIGQUIT');
      assert.deepEqual([Entrypoint, Cmd], [['/docker-entrypoint.sh'], ['nginx', '-g', 'daemon off;']]);
    });

    it('serves port 80 as 101 without privileges after its hooks, and stops gracefully', async () => {
      const hook = await file('hook.sh', '#!/bin/sh\necho hooked by "$(id -u)" "$HOOKED"\n', 0o755);
      const source = await file('hook.envsh', 'export HOOKED=yes\n', 0o755);
      await output(
        ...['run', '--detach', '--name', name, ...labels, ...noPrivileges, '--user', '101:101'],
        ...['--sysctl', 'net.ipv4.ip_unprivileged_port_start=0'],
        ...[
          '--tmpfs',
          '/var/cache/nginx:uid=101,gid=101',
          '--tmpfs',
          '/run:uid=101,gid=101',
          '--tmpfs',
          '/tmp',
        ],
        ...[
          '-v',
          `${hook}:/docker-entrypoint.d/91-hook.sh:ro`,
          '-v',
          `${source}:/docker-entrypoint.d/90-hook.envsh:ro`,
        ],
        image,
      );
      assert.match(await until(name, 'curl', '-fsS', 'http://127.0.0.1/'), /nginx/i);
      assert.equal(await uidOfService(name), '101');
      assert.equal((await docker('exec', name, 'nginx', '-t')).exitCode, 0);
      const { exitCode, log } = await stop(name);
      assert.equal(exitCode, '0', log);
      assert.match(log, /^hooked by 101 yes$/m);
      assert.match(log, /"GET \/ HTTP\/1\.1" 200/);
      assert.match(log, /SIGQUIT[\s\S]*gracefully shutting down/);
    });

    it('runs no hook for another command', async () => {
      assert.equal(await once(image, 'echo', 'hello'), 'hello');
    });
  });

  describe('certbot', () => {
    let image = '';
    before(() => {
      image = stack().settings().CERTBOT_IMAGE ?? '';
    });

    it('is at least 5.4, with openssl, a shell and its two volumes', async () => {
      assertVersion(await once(image, '--version'), '5.4');
      assert.match(await inside(image, 'pwd; openssl version'), /^\/opt\/certbot\nOpenSSL 3/);
      const { Volumes, Entrypoint } = await config(image);
      assert.deepEqual(Object.keys(Volumes).sort(), ['/etc/letsencrypt', '/var/lib/letsencrypt']);
      assert.deepEqual(Entrypoint, ['certbot']);
    });

    it('makes a key and a certificate on a read-only root', async () => {
      await output(
        ...[
          'run',
          '--rm',
          ...labels,
          ...noPrivileges,
          '--tmpfs',
          '/tmp',
          '--entrypoint',
          'sh',
          image,
          '-euc',
        ],
        'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout /tmp/key -out /tmp/crt && openssl x509 -checkend 3600 -noout -in /tmp/crt',
      );
    });
  });

  describe('node', () => {
    let image = '';
    before(() => {
      image = stack().settings().NODE_IMAGE ?? '';
    });

    it('is version 24 with npm, uid 1000 and a home', async () => {
      assertVersion(await once(image, 'node', '--version'), '24.0', '25');
      assertVersion(await once(image, 'npm', '--version'), '10.0');
      assert.equal(
        await inside(image, 'id -u node; id -g node; stat -c "%U %n" ~node'),
        '1000\n1000\nnode /home/node',
      );
      assert.equal(
        await inside(image, 'for tool in node npm npx; do command -v $tool; done'),
        '/usr/local/bin/node\n/usr/local/bin/npm\n/usr/local/bin/npx',
      );
      const { Entrypoint, Cmd } = await config(image);
      assert.deepEqual([Entrypoint, Cmd], [['docker-entrypoint.sh'], ['node']]);
    });

    it('puts node in front of flags, and runs commands as they are', async () => {
      assert.equal(await once(image, '-p', '6 * 7'), '42');
      assert.equal(await once(image, 'echo', 'hello'), 'hello');
    });

    it('runs as its user on a read-only root', async () => {
      const script = 'console.log(process.getuid(), os.homedir())';
      assert.equal(
        await output('run', '--rm', ...labels, ...noPrivileges, '--user', 'node', image, '-e', script),
        '1000 /home/node',
      );
    });
  });
});
