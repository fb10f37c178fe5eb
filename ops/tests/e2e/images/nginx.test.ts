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

describeImage('nginx', 'NGINX_IMAGE', (scope) => {
  const name = `${prefix}-nginx`;

  it('is at least 1.30.6, with uid 101 and the usual paths', async () => {
    assertVersion(await inside(scope.image, 'nginx -v 2>&1'), '1.30.6');
    assert.equal(await inside(scope.image, 'id -u nginx; id -g nginx'), '101\n101');
    await inside(
      scope.image,
      'cd /etc/nginx && test -s mime.types && test -s conf.d/default.conf && test ! -e sites-enabled',
    );
    await inside(
      scope.image,
      'command -v envsubst && command -v bash && nginx -V 2>&1 | grep -q http_v2_module',
    );
    assert.equal(
      await inside(scope.image, 'readlink /var/log/nginx/access.log /var/log/nginx/error.log'),
      '/dev/stdout\n/dev/stderr',
    );
    const { StopSignal, Entrypoint, Cmd } = await config(scope.image);
    assert.equal(StopSignal, 'SIGQUIT');
    assert.deepEqual([Entrypoint, Cmd], [['/docker-entrypoint.sh'], ['nginx', '-g', 'daemon off;']]);
  });

  it('serves port 80 as 101 without privileges after its hooks, and stops gracefully', async () => {
    const hook = await scope.file('hook.sh', '#!/bin/sh\necho hooked by "$(id -u)" "$HOOKED"\n', 0o755);
    const source = await scope.file('hook.envsh', 'export HOOKED=yes\n', 0o755);
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
      scope.image,
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
    assert.equal(await once(scope.image, 'echo', 'hello'), 'hello');
  });
});
