import { expect } from 'chai';
import { askSecurely } from '../../../src/host/http.ts';
import { waitFor } from '../client.ts';
import { stack } from '../stack.ts';

const HEADER_BYTES = 16 * 1024;
const BODY_BYTES = 5_000_000;

/** An origin that is as large as a service may become. nginx reaches it the way a new release is rehearsed. */
const ORIGIN = `require('node:http').createServer((request, response) => {
  response.setHeader('X-Large', 'h'.repeat(request.url === '/header' ? ${HEADER_BYTES} - 300 : 1));
  response.end('"' + 'b'.repeat(request.url === '/body' ? ${BODY_BYTES} - 2 : 1) + '"');
}).listen(3000)`;

describe('large answers', function () {
  this.timeout(120_000);
  const name = () => `${stack().project}-api-99`;
  let host: string;

  const ask = (path: string) =>
    askSecurely(
      { host, port: 8444, name: 'localhost', headers: { 'x-atlas-rehearsal': name() }, timeoutSeconds: 30 },
      path,
    );

  before(async () => {
    const { sh, project, settings } = stack();
    const image = `${settings().IMAGE_NAME}:${settings().IMAGE_TAG}`;
    const network = `${project}_web`;
    await sh(
      'docker',
      'run',
      '-d',
      '--rm',
      '--name',
      name(),
      '--network',
      network,
      '--entrypoint',
      'node',
      image,
      '-e',
      ORIGIN,
    );
    const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
    host = (await sh('docker', 'inspect', `${project}-nginx-1`, '--format', format)).stdout.trim();
    await waitFor(
      'the origin',
      async () => (await ask('/').catch(() => null))?.status,
      (status) => status === 200,
      30,
    );
  });

  after(async () => {
    if (!process.env.TEST_NO_ENGINE) await stack().sh('docker', 'rm', '-f', name());
  });

  // Without proxy_buffer_size nginx answers 502: "upstream sent too big header".
  it('headers of 16 kB pass', async () => {
    expect((await ask('/header')).status).to.equal(200);
  });

  // Without proxy_max_temp_file_size 0 the log has the warning as soon as the client is slower than the origin.
  it('5 MB of JSON pass without touching a temporary file', async () => {
    for (let round = 0; round < 5; round += 1) expect((await ask('/body')).body).to.have.length(BODY_BYTES);
    const { stdout, stderr } = await stack().sh('docker', 'logs', `${stack().project}-nginx-1`);
    expect(stdout + stderr).to.not.contain('buffered to a temporary file');
  });
});
