import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, mustMake, servedRelease } from './under-load.ts';

const hooks = () => path.join(stack().directory, 'ops/hooks');

function writeHook(name: string, script: string): void {
  mkdirSync(hooks(), { recursive: true });
  writeFileSync(path.join(hooks(), name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(hooks(), name), 0o755);
}

const WRITE = 'echo "$(basename "$0") $TAG $PREVIOUS_TAG $RESULT" >>.atlas/hooks.txt; echo from the hook';

async function localTags(): Promise<string[]> {
  const { project, sh } = stack();
  return (await sh('docker', 'image', 'ls', '--format', '{{.Tag}}', project)).stdout.split('\n');
}

describe('around a deploy', function () {
  this.timeout(600_000);

  before(async () => {
    for (const tag of ['v3.0.0', 'v3.0.1']) await buildRelease(stack(), tag);
    await buildRelease(stack(), 'v3.0.2-crashing', 'crashing');
  });

  it('DRY_RUN=1 prints the plan and changes nothing', async () => {
    const { make, directory, settings } = stack();
    const containers = await containerNames('api', 'worker', 'migrate', 'nginx');
    const files = ['.env', '.atlas/ledger.jsonl', '.atlas/nginx/upstream.conf'].map((one) =>
      path.join(directory, one),
    );
    const times = files.map((file) => statSync(file).mtimeMs);
    const current = settings().IMAGE_TAG;
    for (const verb of ['deploy', 'rollback']) {
      const { exitCode, stderr } = await make(verb, { TAG: 'v3.0.0', DRY_RUN: '1' });
      expect(exitCode, stderr).to.equal(0);
      expect(stderr)
        .to.contain(`plan: release v3.0.0 (now ${current})`)
        .and.contain('nginx sends requests to v3.0.0');
      expect(stderr).to.not.match(/^ {2}ok /m);
    }
    expect(await containerNames('api', 'worker', 'migrate', 'nginx')).to.deep.equal(containers);
    expect(files.map((file) => statSync(file).mtimeMs)).to.deep.equal(times);
  });

  it('hooks get TAG, PREVIOUS_TAG and RESULT; pre-deploy can stop a deploy; a failed one calls deploy-failed', async () => {
    const { make, directory, settings } = stack();
    const before = settings().IMAGE_TAG;
    const told = () => readFileSync(path.join(directory, '.atlas/hooks.txt'), 'utf8').trim().split('\n');
    try {
      for (const name of ['pre-deploy', 'post-deploy', 'deploy-failed']) writeHook(name, WRITE);
      const { stderr } = await mustMake('deploy', { TAG: 'v3.0.0' });
      expect(stderr).to.contain('pre-deploy | from the hook');
      expect(told()).to.deep.equal([
        `pre-deploy v3.0.0 ${before} started`,
        `post-deploy v3.0.0 ${before} done`,
      ]);
      expect((await make('deploy', { TAG: 'v3.0.2-crashing' })).exitCode).to.not.equal(0);
      expect(told().at(-1)).to.equal('deploy-failed v3.0.2-crashing v3.0.0 undone');

      writeHook('pre-deploy', 'echo the moon is wrong; exit 3');
      const stopped = await make('deploy', { TAG: 'v3.0.1' });
      expect(stopped.exitCode).to.not.equal(0);
      expect(stopped.stderr).to.contain('the hook pre-deploy exited with 3').and.contain('the moon is wrong');
      expect(await servedRelease()).to.equal('v3.0.0');
      chmodSync(path.join(hooks(), 'pre-deploy'), 0o644);
      expect((await mustMake('deploy', { TAG: 'v3.0.0' })).stderr).to.contain(
        'is not executable and was passed over',
      );
    } finally {
      for (const name of ['pre-deploy', 'post-deploy', 'deploy-failed'])
        rmSync(path.join(hooks(), name), { force: true });
    }
  });

  it('images beyond KEEP_RELEASES go, the last good ones stay, and what was never deployed is left alone', async () => {
    const { make, directory } = stack();
    await buildRelease(stack(), 'v9.9.9-later');
    const before = await localTags();
    expect(before).to.include('v3.0.0');
    const { stderr } = await make('deploy', { TAG: 'v3.0.1' }, { KEEP_RELEASES: '2' });
    expect(stderr).to.contain('remove old images:');
    const after = await localTags();
    expect(after).to.include.members(['v3.0.1', 'v3.0.0', 'v9.9.9-later']).and.not.include('v1.5.0');
    expect(after.length).to.be.below(before.length);
    expect(existsSync(path.join(directory, '.atlas/images'))).to.equal(true);
  });

  it('a SCHEMA, WAIT or TAG that is none is refused, naming what would do', async () => {
    const cases: [Record<string, string>, string][] = [
      [{ TAG: 'v3.0.0', SCHEMA: 'sideways' }, 'SCHEMA=sideways is neither down nor restore'],
      [{ TAG: 'v3.0.0', WAIT: 'long' }, 'WAIT=long is not a number of seconds'],
      [{ TAG: '-v3' }, 'is not an image tag'],
    ];
    for (const [variables, message] of cases) {
      const outcome = await stack().make('deploy', variables);
      expect(outcome.exitCode).to.not.equal(0);
      expect(outcome.stderr).to.contain(message);
    }
  });
});
