import { expect } from 'chai';
import { readServedCertificate } from '../../../src/host/http.ts';
import { waitFor } from '../client.ts';
import { buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, expectNoLoss, mustMake, servedRelease, underLoad } from './under-load.ts';

/** The serial number of the certificate that nginx serves. */
const servedSerial = async () =>
  (await readServedCertificate({ port: stack().httpsPort, name: 'localhost' }))?.serial ?? '';

/** What certbot's renewal amounts to: another certificate in the volume, and a reload. */
async function replaceCertificate(): Promise<void> {
  const { sh } = stack();
  await sh('docker', 'compose', 'exec', '-T', 'certbot', 'rm', '-r', '/etc/letsencrypt/served');
  await sh('docker', 'compose', 'restart', '--timeout', '1', 'certbot');
  await sh('docker', 'compose', 'up', '--detach', '--wait', '--no-deps', 'certbot');
  await sh('docker', 'compose', 'exec', '-T', 'nginx', 'nginx', '-s', 'reload');
}

const setReplicas = (count: number) => stack().set({ API_REPLICAS: String(count) });

describe('releases under load', function () {
  this.timeout(900_000);

  before(async () => {
    for (const tag of ['v1.1.0', 'v1.2.0']) await buildRelease(stack(), tag);
  });

  it('deploy, deploy, rollback, certificate: no request is lost', async () => {
    const first = stack().settings().IMAGE_TAG;
    const result = await underLoad(async () => {
      for (const tag of ['v1.1.0', 'v1.2.0']) {
        const { stderr } = await mustMake('deploy', { TAG: tag });
        expect(await servedRelease()).to.equal(tag);
        expect(stderr).to.match(/^undo {5}make rollback TAG=/m);
      }
      await mustMake('rollback');
      expect(await servedRelease(), 'the good one before').to.equal('v1.1.0');
      await mustMake('rollback', { TAG: 'v1.2.0' });
      expect(await servedRelease()).to.equal('v1.2.0');
      const serial = await servedSerial();
      await replaceCertificate();
      await waitFor('the new certificate', servedSerial, (now) => now !== '' && now !== serial, 30);
    });
    expectNoLoss(result);
    expect(result.releases.map((one) => one.release)).to.include.members([first, 'v1.1.0', 'v1.2.0']);
    expect(result.requests).to.be.greaterThan(1000);
    expect(result.posts / result.requests).to.be.within(0.3, 0.5);
    expect(result.http2Requests).to.be.greaterThan(200);
    expect(result.uploads).to.be.greaterThan(1);
    expect(result.downloads).to.be.greaterThan(1);
  });

  it('API_REPLICAS up, a deploy with two of it, and down again: no request is lost', async () => {
    const result = await underLoad(
      async () => {
        setReplicas(2);
        await mustMake('deploy', { TAG: 'v1.2.0' });
        expect(await containerNames('api')).to.have.length(2);
        await mustMake('deploy', { TAG: 'v1.1.0' });
        expect(await containerNames('api')).to.have.length(2);
        expect(await servedRelease()).to.equal('v1.1.0');
        setReplicas(1);
        await mustMake('deploy', { TAG: 'v1.1.0' });
        expect(await containerNames('api')).to.have.length(1);
      },
      { slowUploads: 0 },
    );
    expectNoLoss(result);
  });

  it('plain `docker compose up -d` afterwards replaces and restarts nothing', async () => {
    const { sh, project } = stack();
    const started = async () => {
      const filter = `label=com.docker.compose.project=${project}`;
      const ids = (await sh('docker', 'ps', '--quiet', '--no-trunc', '--filter', filter)).stdout.split('\n');
      const format = '{{.Id}} {{.State.StartedAt}} {{.Name}}';
      return (await sh('docker', 'inspect', '--format', format, ...ids)).stdout.split('\n').sort();
    };
    const before = await started();
    expect(before).to.have.length(8);
    const outcome = await sh('docker', 'compose', 'up', '--detach');
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    // Mutation tried: without the one-shot being settled by itself, compose stops api and worker here.
    expect(await started()).to.deep.equal(before);
    expect((await stack().make('status')).exitCode, 'all is well').to.equal(0);
  });

  it('make releases lists what happened, and an unknown TAG names the known ones', async () => {
    const { stdout } = await stack().make('releases');
    expect(stdout).to.match(/^v1\.1\.0 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +rollback +root +[\d.]+ s +done$/m);
    expect(stdout.match(/current$/gm)).to.have.length(1);
    const json = JSON.parse((await stack().make('releases', { JSON: '1' })).stdout);
    expect(json.at(-1)).to.include({ what: 'deploy', tag: 'v1.1.0', result: 'done', by: 'root' });
    const unknown = await stack().make('rollback', { TAG: 'v0.0.9' });
    expect(unknown.exitCode).to.not.equal(0);
    expect(unknown.stderr).to.contain('v1.1.0').and.contain('v1.2.0');
  });
});
