import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { waitFor } from '../client.ts';
import { buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, mustMake, underLoad } from './under-load.ts';

// A load that cannot fail proves nothing. Here what the product does right is done wrong, and it must notice.
describe('the load counts losses', function () {
  this.timeout(900_000);

  before(async () => {
    await buildRelease(stack(), 'v1.8.0');
  });

  it('when keepalive_min_timeout is removed: a reload then cuts clients that are about to send', async () => {
    const file = path.join(stack().directory, 'nginx/snippets/timeouts.conf');
    const original = readFileSync(file, 'utf8');
    const tag = stack().settings().IMAGE_TAG ?? '';
    try {
      writeFileSync(file, original.replace(/^keepalive_min_timeout.*$/m, ''));
      await mustMake('deploy', { TAG: tag });
      const result = await underLoad(
        async (load) => {
          for (let round = 0; round < 60 && load.result.failures.length === 0; round += 1)
            await stack().sh(
              'sh',
              '-c',
              'docker compose exec -T nginx nginx -c /etc/nginx-release/live/nginx.conf -s reload; sleep 0.5',
            );
        },
        { slowUploads: 0, slowDownloads: 0 },
      );
      expect(result.failures.filter((one) => one.protocol === 'HTTP/1.1')).to.not.be.empty;
    } finally {
      writeFileSync(file, original);
      await mustMake('deploy', { TAG: tag });
    }
  });

  it('when the old api is stopped at the switch, before the old nginx workers let go of it', async () => {
    const [old = ''] = await containerNames('api');
    const result = await underLoad(async () => {
      const deploy = spawn('ops/atlas', ['deploy', '--tag', 'v1.8.0'], {
        cwd: stack().directory,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let output = '';
      deploy.stderr.on('data', (chunk) => {
        output += chunk;
      });
      await waitFor('the switch', async () => /^ {2}ok .*nginx sends/m.test(output), Boolean, 60);
      await stack().sh('docker', 'rm', '--force', old);
      await waitFor(
        'the end of the deploy',
        async () => deploy.exitCode,
        (code) => code !== null,
        120,
      );
    });
    expect(result.failures).to.not.be.empty;
  });
});
