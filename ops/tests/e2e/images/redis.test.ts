import { assert } from 'chai';
import {
  assertVersion,
  config,
  describeImage,
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

describeImage('redis', 'REDIS_IMAGE', (scope) => {
  const name = `${prefix}-redis`;

  it('is version 8, with uid 999 and /data', async () => {
    assertVersion(await once(scope.image, 'redis-server', '--version'), '8.0', '9');
    assert.equal(
      await inside(scope.image, 'id -u redis; id -g redis; pwd; stat -c %U /data'),
      '999\n999\n/data\nredis',
    );
    const { Volumes, Entrypoint, Cmd } = await config(scope.image);
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
        scope.image,
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
    await output('run', '--detach', '--name', name, ...labels, scope.image, '--appendonly', 'yes');
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
