import { expect } from 'chai';
import {
  localBuild,
  parsePlatforms,
  publishedBuild,
  registryOf,
  sourceUrl,
} from '../../src/plan/image-build.ts';

const build = {
  root: '/srv/atlas',
  imageName: 'ghcr.io/you/atlas',
  tag: 'v1.2.3',
  nodeImage: 'node:24-slim',
};

describe("the build of the service's image", () => {
  it('for this engine: loaded, with what npm needs here', () => {
    const npm = { npmRegistry: 'https://npm.example/', authorityFile: '/etc/ca.pem' };
    expect(localBuild({ ...build, ...npm })).to.deep.equal([
      'buildx',
      'build',
      '--load',
      '--network=host',
      '--progress=plain',
      '--file=/srv/atlas/service/Dockerfile',
      '--tag=ghcr.io/you/atlas:v1.2.3',
      '--build-arg=NODE_IMAGE=node:24-slim',
      '--build-arg=RELEASE=v1.2.3',
      '--build-arg=NPM_CONFIG_REGISTRY=https://npm.example/',
      '--secret=id=ca,src=/etc/ca.pem',
      '/srv/atlas',
    ]);
  });

  it('for a registry: every platform, attested, cached, and it says where it comes from', () => {
    const publication = {
      platforms: ['linux/amd64', 'linux/arm64'],
      source: 'https://github.com/you/atlas',
      revision: '0123abc',
      committedAt: '2026-11-28T10:00:00+01:00',
      builder: 'atlas',
      metadataFile: '/tmp/metadata.json',
    };
    expect(publishedBuild(build, publication)).to.deep.equal([
      'buildx',
      'build',
      '--builder=atlas',
      '--platform=linux/amd64,linux/arm64',
      '--push',
      '--sbom=true',
      '--provenance=mode=max',
      '--cache-from=type=registry,ref=ghcr.io/you/atlas:buildcache',
      '--cache-to=type=registry,ref=ghcr.io/you/atlas:buildcache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true',
      '--metadata-file=/tmp/metadata.json',
      '--label=org.opencontainers.image.source=https://github.com/you/atlas',
      '--label=org.opencontainers.image.revision=0123abc',
      '--label=org.opencontainers.image.created=2026-11-28T10:00:00+01:00',
      '--annotation=index:org.opencontainers.image.description=Directory of salons: api, worker and migrate',
      '--annotation=index:org.opencontainers.image.licenses=MIT',
      '--annotation=index:org.opencontainers.image.version=v1.2.3',
      '--annotation=index:org.opencontainers.image.source=https://github.com/you/atlas',
      '--annotation=index:org.opencontainers.image.revision=0123abc',
      '--annotation=index:org.opencontainers.image.created=2026-11-28T10:00:00+01:00',
      '--progress=plain',
      '--file=/srv/atlas/service/Dockerfile',
      '--tag=ghcr.io/you/atlas:v1.2.3',
      '--build-arg=NODE_IMAGE=node:24-slim',
      '--build-arg=RELEASE=v1.2.3',
      '/srv/atlas',
    ]);
    const bare = publishedBuild(build, { ...publication, source: null, builder: null });
    expect(bare.join(' ')).not.to.match(/image\.source|--builder/);
  });

  // Mutation: `[^@/]*@` left out of the first pattern.
  for (const [remote, expected] of [
    ['https://github.com/you/atlas', 'https://github.com/you/atlas'],
    ['https://github.com/you/atlas.git', 'https://github.com/you/atlas'],
    ['https://you:ghp_secret@github.com/you/atlas.git', 'https://github.com/you/atlas'],
    ['git@github.com:you/atlas.git', 'https://github.com/you/atlas'],
    ['ssh://git@git.example.org:2222/you/atlas.git/', 'https://git.example.org/you/atlas'],
    ['/srv/git/atlas.git', null],
    ['../atlas', null],
    ['file:///srv/atlas', null],
    ['', null],
  ] as const)
    it(`the remote ${remote || '(none)'} is ${expected ?? 'no web address'}`, () => {
      expect(sourceUrl(remote)).to.equal(expected);
    });

  it('knows a name with a registry from one without', () => {
    const names = [
      'ghcr.io/you/atlas',
      'localhost:5000/atlas',
      'localhost/atlas',
      'you/atlas',
      'sevra-atlas',
    ];
    expect(names.map(registryOf)).to.deep.equal(['ghcr.io', 'localhost:5000', 'localhost', null, null]);
  });

  it('takes a list of Linux platforms and nothing else', () => {
    expect(parsePlatforms('linux/amd64,linux/arm64,linux/arm/v7')).to.deep.equal([
      'linux/amd64',
      'linux/arm64',
      'linux/arm/v7',
    ]);
    for (const text of ['', 'amd64', 'linux/amd64,', 'linux/amd64 linux/arm64', 'windows/amd64'])
      expect(parsePlatforms(text), text).to.equal(null);
  });
});
