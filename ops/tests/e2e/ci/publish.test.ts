import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { execa } from 'execa';
import { createStack, type Outcome, type Stack } from '../create-stack.ts';
import { type Builder, startBuilder } from './builder.ts';

const platform = process.arch === 'arm64' ? 'arm64' : 'amd64';

describe('an image on its way to a registry', function () {
  this.timeout(600_000);
  let builder: Builder;
  let stack: Stack;
  let scratch: string;
  let commit: string;

  const name = () => `${builder.registry}/you/atlas`;
  const publish = (tag: string, env: Record<string, string> = {}): Promise<Outcome> => {
    const login = { REGISTRY_USER: builder.user, REGISTRY_TOKEN: builder.token, IMAGE_NAME: name() };
    const pairs = Object.entries({ ...login, PLATFORMS: `linux/${platform}`, ...env });
    return stack.sh('env', ...pairs.map(([key, value]) => `${key}=${value}`), 'ops/ci/publish-image.sh', tag);
  };

  before(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'atlas-publish-'));
    mkdirSync(path.join(scratch, 'docker'));
    const example = parse(readFileSync(path.resolve(import.meta.dirname, '../../../../.env.example')));
    builder = await startBuilder(`atlas-e2e-builder-${process.pid}`, example.NODE_IMAGE ?? '');
    const config = { DOCKER_HOST: builder.host, DOCKER_CONFIG: path.join(scratch, 'docker') };
    stack = await createStack('atlas-publish', { ...config, BUILDX_BUILDER: 'default' });
    const git = (...args: string[]) => execa('git', args, { cwd: stack.directory });
    await git('add', '--all');
    await git(
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@localhost',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'now',
    );
    await git('remote', 'set-url', 'origin', 'https://you:secret-of-the-remote@github.com/you/atlas.git');
    commit = (await git('rev-parse', 'HEAD')).stdout;
  });
  after(async () => {
    await builder?.remove();
    for (const directory of [stack?.directory, scratch])
      if (directory) rmSync(directory, { recursive: true });
  });

  // Mutations: without --sbom; without --provenance (buildx then says less); without --label.
  it('says what is in it, how it was built and from which commit', async () => {
    const { exitCode, stdout, stderr } = await publish('v9.9.9');
    expect(exitCode, stderr).to.equal(0);
    const [, digest] = /^localhost:5000\/you\/atlas:v9\.9\.9@(sha256:[0-9a-f]{64})$/.exec(stdout) ?? [];
    expect(digest, stdout).to.be.a('string');

    const index = await builder.get('you/atlas/manifests/v9.9.9');
    expect(await builder.get(`you/atlas/manifests/${digest}`)).to.deep.equal(index);
    const origin = {
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.source': 'https://github.com/you/atlas',
      'org.opencontainers.image.version': 'v9.9.9',
      'org.opencontainers.image.licenses': 'MIT',
    };
    expect(index.annotations).to.include(origin);
    const [image, attestation] = index.manifests;
    expect(image.platform).to.include({ os: 'linux', architecture: platform });

    const manifest = await builder.get(`you/atlas/manifests/${image.digest}`);
    const { config } = await builder.get(`you/atlas/blobs/${manifest.config.digest}`);
    expect(config.Labels).to.include(origin);
    expect(config.Env).to.include('RELEASE=v9.9.9');

    const { layers } = await builder.get(`you/atlas/manifests/${attestation.digest}`);
    const statements = await Promise.all(
      (layers as { digest: string }[]).map((layer) => builder.get(`you/atlas/blobs/${layer.digest}`)),
    );
    const of = (kind: string) => statements.find(({ predicateType }) => predicateType.startsWith(kind));
    expect(of('https://spdx.dev/Document')).to.be.an('object');
    expect(of('https://slsa.dev/provenance')?.predicate.buildConfig, 'mode=max').to.be.an('object');
    expect(JSON.stringify([index, config, statements])).not.to.match(/secret-of-the-remote|TokenOfThisJob/);
  });

  // Mutation: without --cache-to.
  it('leaves a cache for the next build, and no login', async () => {
    expect((await builder.get('you/atlas/tags/list')).tags).to.have.members(['buildcache', 'v9.9.9']);
    const left = await execa('grep', ['-rl', 'auths', path.join(scratch, 'docker')], { reject: false });
    expect(left.stdout).to.equal('');
  });

  // Mutation: the check for changes taken away.
  it('is not built from what is in no commit, without a registry or a tag', async () => {
    const cases: [string, RegExp, Record<string, string>][] = [
      ['v9.9.8', /IMAGE_NAME=sevra-atlas names no registry/, { IMAGE_NAME: 'sevra-atlas' }],
      ['v9.9.8', /not a list of platforms: amd64/, { PLATFORMS: 'amd64' }],
      ['v9;9', /"v9;9" is not an image tag/, {}],
      ['', /needs a tag/, {}],
      ['v9.9.8', /REGISTRY_TOKEN is not set/, { REGISTRY_TOKEN: '' }],
    ];
    for (const [tag, message, env] of cases) {
      const { exitCode, stdout, stderr } = await publish(tag, env);
      expect(stderr).to.match(message);
      expect([exitCode, stdout], String(message)).to.deep.equal([2, '']);
    }
    writeFileSync(path.join(stack.directory, 'service/new.ts'), '');
    const { exitCode, stderr } = await publish('v9.9.8');
    rmSync(path.join(stack.directory, 'service/new.ts'));
    expect(exitCode).to.equal(2);
    expect(stderr).to.contain('changes that are in no commit').and.contain('service/new.ts');
  });

  it('goes nowhere with a wrong login', async () => {
    const { exitCode, stderr } = await publish('v9.9.8', { REGISTRY_TOKEN: 'ghs_another' });
    expect(exitCode).to.equal(1);
    expect(stderr)
      .to.match(/unauthorized/i)
      .and.not.contain('ghs_another');
    expect(await builder.get('you/atlas/manifests/v9.9.8')).to.equal(null);
  });
});
