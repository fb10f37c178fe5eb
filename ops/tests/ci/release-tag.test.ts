import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const script = path.resolve(import.meta.dirname, '../../ci/release-tag.sh');
const commit = '0123456789abcdef0123456789abcdef01234567';

async function tagOf(type: string, name: string, sha = commit) {
  const env = { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: name, GITHUB_SHA: sha };
  const { exitCode, stdout, stderr } = await execa(script, { env, reject: false });
  return exitCode === 0 ? stdout : `${exitCode} ${stderr.split('\n')[0]}`;
}

describe('ci/release-tag.sh', () => {
  it('a version is its own tag', async () => {
    for (const name of ['v1.2.3', 'v0.1.0', 'v10.20.30-rc.1'])
      expect(await tagOf('tag', name)).to.equal(name);
  });

  it('main is named by its commit', async () => {
    expect(await tagOf('branch', 'main')).to.equal('main-0123456789ab');
  });

  // What git allows in a tag and what the workflow's filter lets through is more than a version.
  // Mutation: the pattern without its `$`.
  for (const name of [
    '',
    '1.2.3',
    'v1.2',
    'v01.2.3',
    'v1.2.3+build',
    'v1.2.3;id',
    'v1.2.3-$(id)',
    'v1.2.3\nx',
    'latest',
  ])
    it(`the git tag ${JSON.stringify(name)} is refused`, async () => {
      expect(await tagOf('tag', name)).to.match(/^2 error: the git tag /);
    });

  it('nothing else is released', async () => {
    expect(await tagOf('branch', 'feature')).to.contain('2 error: the branch "feature" is not released');
    expect(await tagOf('branch', 'main', 'abc')).to.contain('2 error: GITHUB_SHA');
    expect(await tagOf('', '')).to.contain('2 error: GITHUB_REF_TYPE');
  });
});
