import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { waitFor } from './client.ts';
import { stack } from './stack.ts';

const readyz = (port: number) =>
  fetch(`http://localhost:${port}/readyz`).then(
    (answer) => answer.status,
    () => 0,
  );

describe('the everyday verbs', function () {
  this.timeout(300_000);

  it('make help lists every verb, each with one line', async () => {
    const { stdout } = await stack().make('help');
    const verbs = [
      'deploy',
      'rollback',
      'releases',
      'status',
      'health',
      'doctor',
      'env-import',
      'logs',
      'stop',
      'start',
      'psql',
      'console',
      'token',
      'tokens',
      'token-revoke',
      'admin',
      'media-copy',
      'backups',
      'restore-clean',
      'image',
      'dev',
      'check',
      'test',
      'bench',
    ];
    for (const verb of verbs) expect(stdout).to.match(new RegExp(`^ {2}make ${verb} +\\S`, 'm'));
  });

  it('make logs refuses a service that does not exist, naming those that do', async () => {
    const outcome = await stack().make('logs', { SERVICE: 'mysql' });
    expect(outcome.exitCode).to.not.equal(0);
    expect(outcome.stderr).to.contain('there is no service "mysql"').and.contain('redis_queue');
  });

  it('logs print what a service wrote, as JSON lines', async () => {
    const { stdout } = await stack().sh('ops/atlas', 'logs', 'api', '--no-follow', '--tail', '5');
    expect(stdout).to.match(/api-\d+\s+\| \{"level":30/);
  });

  it('psql reaches the database as the service role', async () => {
    const { stdout } = await stack().sh(
      'ops/atlas',
      'psql',
      'console',
      '--',
      '-Atc',
      'select current_user, current_database()',
    );
    expect(stdout.trim()).to.equal('atlas|atlas');
  });

  it('make token and make admin say what is missing', async () => {
    for (const [verb, variable] of Object.entries({ token: 'NAME', 'token-revoke': 'ID', admin: 'EMAIL' })) {
      const outcome = await stack().make(verb);
      expect(outcome.exitCode, verb).to.not.equal(0);
      expect(outcome.stderr).to.contain(`${variable} is missing`);
    }
  });

  it('make image builds a release that make deploy TAG= then runs', async () => {
    const { make, settings, project } = stack();
    const built = await make('image', { TAG: 'v0.0.1' });
    expect(built.exitCode, built.stderr).to.equal(0);
    expect(built.stdout.trim()).to.equal(`${project}:v0.0.1`);
    const outcome = await make('deploy', { TAG: 'v0.0.1' });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(settings().IMAGE_TAG).to.equal('v0.0.1');
    expect((await make('status')).stdout).to.contain('v0.0.1 (served by nginx)');
  });

  it('make dev refuses beside a running release, and serves api and worker from source without one', async () => {
    const { make, sh, directory } = stack();
    expect((await make('dev')).stderr).to.contain('dev would share their queue');
    await sh('docker', 'compose', 'stop', 'api', 'worker');
    const dev = spawn('make', ['dev'], { cwd: directory, detached: true, stdio: 'ignore' });
    try {
      await waitFor(
        'dev api',
        () => readyz(3000),
        (status) => status === 200,
        120,
      );
      await waitFor(
        'dev worker',
        () => readyz(3001),
        (status) => status === 200,
        60,
      );
    } finally {
      // As Ctrl-C does: to the whole group.
      if (dev.pid) process.kill(-dev.pid, 'SIGINT');
      await waitFor(
        'dev to end',
        () => readyz(3000),
        (status) => status === 0,
        60,
      );
      expect((await make('start')).exitCode).to.equal(0);
    }
  });
});
