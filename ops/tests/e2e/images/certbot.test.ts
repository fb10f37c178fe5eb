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

describeImage('certbot', 'CERTBOT_IMAGE', (scope) => {
  it('is at least 5.4, with openssl, a shell and its two volumes', async () => {
    assertVersion(await once(scope.image, '--version'), '5.4');
    assert.match(await inside(scope.image, 'pwd; openssl version'), /^\/opt\/certbot\nOpenSSL 3/);
    const { Volumes, Entrypoint } = await config(scope.image);
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
        scope.image,
        '-euc',
      ],
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout /tmp/key -out /tmp/crt && openssl x509 -checkend 3600 -noout -in /tmp/crt',
    );
  });
});
