import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { pullWithLogin } from '../../src/host/registry-login.ts';
import { freePort } from './create-stack.ts';
import { ensureDebianBase } from './edge/pebble.ts';

const NAME = `atlas-registry-${process.pid}`;
const LOGIN = { user: 'ci', token: 'tok-3n' };
/** bcrypt of that token, which is all that docker-registry takes. */
const HASH = '$2b$05$abcdefghijklmnopqrstuuHsTrwAQ7n8Ga4daHC6BWF8AnEPJG2RG';

const DOCKERFILE = (base: string) => `FROM ${base}
RUN apt-get update && apt-get install -y --no-install-recommends docker-registry
COPY htpasswd config.yml /
CMD ["docker-registry", "serve", "/config.yml"]
`;
const CONFIG = `version: 0.1
storage: { filesystem: { rootdirectory: /registry } }
http: { addr: ":5000" }
auth: { htpasswd: { realm: atlas, path: /htpasswd } }
`;

describe('a registry that wants a login', function () {
  this.timeout(300_000);
  let directory: string;
  let image: string;
  const docker = (args: string[], options: { input?: string; reject?: boolean } = {}) =>
    execa('docker', args, { ...options, env: { DOCKER_CONFIG: path.join(directory, 'login') } });

  before(async function () {
    if (process.env.TEST_NO_ENGINE) return this.skip();
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-registry-'));
    writeFileSync(path.join(directory, 'htpasswd'), `${LOGIN.user}:${HASH}\n`);
    writeFileSync(path.join(directory, 'config.yml'), CONFIG);
    writeFileSync(path.join(directory, 'Dockerfile'), DOCKERFILE(await ensureDebianBase()));
    const build = ['build', '--quiet', '--network', 'host', '--tag'];
    await docker([...build, 'atlas-test/registry-login', directory]);
    const port = await freePort();
    await docker([
      ...['run', '--detach', '--name', NAME, '--publish', `127.0.0.1:${port}:5000`],
      'atlas-test/registry-login',
    ]);
    // On the engine's own loopback a registry needs no TLS.
    const registry = `127.0.0.1:${port}`;
    image = `${registry}/you/atlas:v1`;
    const login = () =>
      docker(['login', '--username', LOGIN.user, '--password-stdin', registry], {
        input: LOGIN.token,
        reject: false,
      });
    for (let tries = 0; (await login()).exitCode !== 0; tries += 1) {
      if (tries > 100) throw new Error((await docker(['logs', NAME])).stderr);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    writeFileSync(path.join(directory, 'Dockerfile'), 'FROM scratch\nCOPY config.yml /\n');
    await docker([...build, image, directory]);
    await docker(['push', '--quiet', image]);
    await docker(['image', 'rm', image]);
  });
  after(async () => {
    if (!directory) return;
    await docker(['rm', '--force', '--volumes', NAME], { reject: false });
    await docker(['image', 'rm', '--force', image], { reject: false });
    rmSync(directory, { recursive: true });
  });

  // This was a bug once: the header in Node's base64url, without padding. The registry then sees nobody.
  it('gives the image to a login that is nowhere but in the request, and to no other', async () => {
    const wrong = await pullWithLogin(image, { ...LOGIN, token: 'wrong' });
    expect([wrong.exitCode, wrong.command]).to.deep.equal([1, `docker pull ${image}`]);
    expect(wrong.stderr).to.match(/unauthorized/);
    expect(wrong.stderr).to.not.contain('wrong');
    expect((await pullWithLogin(image, LOGIN)).exitCode).to.equal(0);
    expect((await docker(['image', 'inspect', image])).exitCode).to.equal(0);
    const unknown = await pullWithLogin(image.replace(/v1$/, 'v2'), LOGIN);
    expect(unknown.stderr).to.match(/manifest unknown/);
  });

  it('that is away is an error with a reason', async () => {
    await docker(['stop', '--time', '1', NAME]);
    const gone = await pullWithLogin(image, LOGIN);
    expect(gone.exitCode).to.equal(1);
    expect(gone.stderr).to.match(/connection refused|EOF|reset/);
  });
});
