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
} from './containers.ts';

describeImage('node', 'NODE_IMAGE', (scope) => {
  it('is version 24 with npm, uid 1000 and a home', async () => {
    assertVersion(await once(scope.image, 'node', '--version'), '24.0', '25');
    assertVersion(await once(scope.image, 'npm', '--version'), '10.0');
    assert.equal(
      await inside(scope.image, 'id -u node; id -g node; stat -c "%U %n" ~node'),
      '1000\n1000\nnode /home/node',
    );
    assert.equal(
      await inside(scope.image, 'for tool in node npm npx; do command -v $tool; done'),
      '/usr/local/bin/node\n/usr/local/bin/npm\n/usr/local/bin/npx',
    );
    const { Entrypoint, Cmd } = await config(scope.image);
    assert.deepEqual([Entrypoint, Cmd], [['docker-entrypoint.sh'], ['node']]);
  });

  it('puts node in front of flags, and runs commands as they are', async () => {
    assert.equal(await once(scope.image, '-p', '6 * 7'), '42');
    assert.equal(await once(scope.image, 'echo', 'hello'), 'hello');
  });

  it('runs as its user on a read-only root', async () => {
    const script = 'console.log(process.getuid(), os.homedir())';
    assert.equal(
      await output('run', '--rm', ...labels, ...noPrivileges, '--user', 'node', scope.image, '-e', script),
      '1000 /home/node',
    );
  });
});
