// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { send, waitFor } from './client.ts';
import { freePort } from './create-stack.ts';
import { stack } from './stack.ts';

interface StatusJson {
  ok: boolean;
  release: { tag: string; served: string };
  services: { service: string; healthy: boolean; state: string }[];
  certificate: { daysLeft: number; selfSigned: boolean };
  disk: { freeBytes: number };
}

const status = async () => JSON.parse((await stack().make('status', { JSON: '1' })).stdout) as StatusJson;

async function containerIds(): Promise<Record<string, string>> {
  const format = '{{.Label "com.docker.compose.service"}} {{.ID}}';
  const filter = `label=com.docker.compose.project=${stack().project}`;
  const { stdout } = await stack().sh('docker', 'ps', '--all', '--filter', filter, '--format', format);
  return Object.fromEntries(stdout.split('\n').map((line) => line.split(' ')));
}

describe('make deploy', function () {
  this.timeout(300_000);

  it('ends with nine containers in a good state and the release served over HTTPS', async () => {
    const found = await status();
    expect(found.services.map((one) => one.service)).to.have.members([
      ...['nginx', 'certbot', 'api', 'worker', 'migrate', 'postgres', 'wal', 'redis_cache', 'redis_queue'],
    ]);
    expect(found.services.filter((one) => !one.healthy)).to.deep.equal([]);
    expect(found.ok).to.equal(true);
    expect(found.release.served)
      .to.equal(found.release.tag)
      .and.match(/^local-[0-9a-f]{12}$/);
    expect(found.certificate).to.include({ selfSigned: true });
    expect(found.certificate.daysLeft).to.be.within(360, 366);
  });

  it('wrote .env for its owner alone, with secrets that differ', () => {
    const file = path.join(stack().directory, '.env');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const secrets = Object.entries(stack().settings()).filter(
      ([key]) => /PASSWORD|SECRET/.test(key) && !/^(MEDIA|BACKUP)_/.test(key),
    );
    expect(secrets).to.have.length(6);
    expect(new Set(secrets.map(([, value]) => value)).size).to.equal(6);
  });

  it('run again changes nothing', async () => {
    const before = await containerIds();
    const outcome = await stack().make('deploy');
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(await containerIds()).to.deep.equal(before);
  });

  it('leaves exactly what plain `docker compose up -d` wants', async () => {
    const before = await containerIds();
    const outcome = await stack().sh('docker', 'compose', 'up', '--detach', '--wait', 'nginx', 'worker');
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(await containerIds()).to.deep.equal(before);
  });

  // Broken: the key added, and the role not made sure of; wal among DATA_SERVICES.
  it('gives a server from before the WAL receiver all that it needs, and leaves postgres alone', async () => {
    const { make, settings, sh, project, directory } = stack();
    const file = path.join(directory, '.env');
    await sh('docker', 'rm', '--force', `${project}-wal-1`);
    const forget = 'drop schema atlas_wal cascade; drop role atlas_wal';
    const forgot = await sh(
      'docker',
      'exec',
      `${project}-postgres-1`,
      'psql',
      '-U',
      'postgres',
      '-c',
      forget,
    );
    expect(forgot.exitCode, forgot.stderr).to.equal(0);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^POSTGRES_WAL_PASSWORD=.*\n/m, ''));
    const started = async () =>
      (await sh('docker', 'inspect', '--format', '{{.State.StartedAt}}', `${project}-postgres-1`)).stdout;
    const before = await started();
    const outcome = await make('deploy', { TAG: settings().IMAGE_TAG ?? '' });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(outcome.stderr).to.contain('added POSTGRES_WAL_PASSWORD to .env');
    expect(settings().POSTGRES_WAL_PASSWORD).to.match(/^[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect((await status()).ok).to.equal(true);
    expect(await started()).to.equal(before);
  });

  it('redirects plain HTTP to the published HTTPS port', async () => {
    const answer = await fetch(`http://localhost:${stack().httpPort}/api/salons?city=x`, {
      redirect: 'manual',
    });
    expect(answer.status).to.equal(301);
    expect(answer.headers.get('location')).to.equal(
      `https://localhost:${stack().httpsPort}/api/salons?city=x`,
    );
  });

  // With nginx started from the checkout's own files, the restart in the middle takes the site down.
  it('reloads nginx when its configuration changes; a broken one is refused, and even a restart goes on with the last good one', async () => {
    const file = path.join(stack().directory, 'nginx/conf.d/site.conf');
    const original = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, original.replace('location /media/ {', 'location = /changed { return 204; }\n$&'));
      expect((await stack().make('deploy')).stderr).to.contain('reload the changed nginx configuration');
      expect((await send('GET', '/changed')).status).to.equal(204);
      writeFileSync(file, `${original}\nnonsense;\n`);
      const outcome = await stack().make('deploy');
      expect(outcome.exitCode).to.equal(2); // make's own code for a failed recipe
      expect(outcome.stderr).to.contain('unknown directive "nonsense"');
      expect((await send('GET', '/livez')).status).to.equal(200);
      await stack().sh('docker', 'compose', 'restart', 'nginx');
      await waitFor(
        'nginx with the last good one',
        async () => (await send('GET', '/changed').catch(() => null))?.status,
        (status) => status === 204,
      );
    } finally {
      writeFileSync(file, original);
    }
    expect((await stack().make('deploy')).exitCode).to.equal(0);
  });
});

describe('bad input to make deploy', function () {
  this.timeout(300_000);

  const refused = async (variables: Record<string, string>, environment: Record<string, string> = {}) => {
    const before = await containerIds();
    const outcome = await stack().make('deploy', variables, environment);
    expect(outcome.exitCode, outcome.stderr).to.not.equal(0);
    expect(await containerIds(), 'what ran goes on running').to.deep.equal(before);
    return outcome.stderr;
  };

  it('an unknown TAG: named, with the tags there are, nothing changed', async () => {
    const message = await refused({ TAG: 'v9.9.9' });
    expect(message).to.contain('release v9.9.9 is neither on this server nor can it be pulled');
    expect(message).to.contain(stack().settings().IMAGE_TAG);
  });

  it('a TAG that is no tag', async () => {
    expect(await refused({ TAG: 'v1;id' })).to.contain('is not an image tag');
  });

  it('every bad key of .env at once', async () => {
    const environment = { HTTP_PORT: 'eighty', UPLOAD_MAX_MB: '9999', LOG_LEVEL: 'loud' };
    const message = await refused({}, environment);
    for (const key of Object.keys(environment)) expect(message).to.contain(`${key}: expected`);
  });

  it('an unknown key and a malformed line in .env', async () => {
    const file = path.join(stack().directory, '.env');
    const original = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, `${original}HTPP_PORT=1\nnonsense\n`);
      expect(await refused({}))
        .to.contain('did you mean HTTP_PORT?')
        .and.contain('not KEY=value');
    } finally {
      writeFileSync(file, original);
    }
  });

  it('.env readable by others: put right, with a note', async () => {
    const file = path.join(stack().directory, '.env');
    chmodSync(file, 0o644);
    const outcome = await stack().make('deploy');
    expect(outcome.exitCode).to.equal(0);
    expect(outcome.stderr).to.contain('.env was readable by others (mode 644)');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('a port that is taken: says by which process', async () => {
    const server = createServer();
    const portNumber = await freePort();
    await new Promise<void>((resolve) => server.listen(portNumber, resolve));
    try {
      // Another project name: for this stack's own nginx the ports are its own.
      const environment = { COMPOSE_PROJECT_NAME: `${stack().project}-other`, HTTP_PORT: String(portNumber) };
      const message = await refused({}, environment);
      expect(message).to.contain(`port ${portNumber} is taken by node (pid ${process.pid})`);
      expect(message).to.match(
        new RegExp(`port ${stack().httpsPort} is taken by container ${stack().project}-nginx-1`),
      );
    } finally {
      server.close();
    }
  });

  it('a disk with under 2 GB free', async () => {
    const { directory, sh } = stack();
    const small = `${directory}-small`;
    mkdirSync(small);
    await sh('mount', '-t', 'tmpfs', '-o', 'size=1g', 'atlas-e2e', small);
    try {
      await sh('git', 'clone', '--quiet', directory, small);
      symlinkSync(path.join(directory, 'node_modules'), path.join(small, 'node_modules'));
      const environment = {
        COMPOSE_PROJECT_NAME: `${stack().project}-small`,
        HTTP_PORT: String(await freePort()),
      };
      const outcome = await sh(
        'env',
        ...Object.entries(environment).map((one) => one.join('=')),
        'make',
        '-C',
        small,
        'deploy',
      );
      expect(outcome.exitCode).to.not.equal(0);
      expect(outcome.stderr).to.match(/only 1\.\d GB free on the disk of .*-small; at least 2 GB are needed/);
      expect(existsSync(path.join(small, '.env')), 'nothing was changed').to.equal(false);
    } finally {
      await sh('umount', small);
      rmSync(small, { recursive: true });
    }
  });

  it('a second deploy while one runs: told who holds the lock', async () => {
    const [first, second] = await Promise.all([stack().make('deploy'), stack().make('deploy')]);
    const codes = [first.exitCode, second.exitCode].sort();
    // Both may win when the first ends before the second asks; never may both run at once.
    if (codes[1] !== 0)
      expect(`${first.stderr}${second.stderr}`).to.contain('another command is changing this server: deploy');
    expect(codes[0]).to.equal(0);
  });
});
