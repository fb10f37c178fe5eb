import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { waitFor } from '../client.ts';
import { buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, mustMake, servedRelease } from './under-load.ts';

/** Containers on this engine that are not ours: their owner would not thank us for a restart. */
async function foreignContainers(): Promise<string[]> {
  const { stdout } = await stack().sh('docker', 'ps', '--format', '{{.Names}}');
  return stdout.split('\n').filter((name) => name && !name.startsWith(stack().project));
}

/**
 * What `systemctl restart docker` and a reboot do to it; the bootstrap starts it again. Not SIGKILL: an engine
 * that runs containerd as its child, as here without systemd, takes its containers with it and, by itself,
 * starts none of them again.
 */
async function restartEngine(): Promise<void> {
  const pid = Number(readFileSync('/var/run/docker.pid', 'utf8'));
  process.kill(pid, 'SIGTERM');
  await waitFor(
    'the engine to be gone',
    async () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    },
    Boolean,
  );
  const started = await stack().sh('ops/bootstrap.sh', 'run', '--engine');
  expect(started.exitCode, started.stderr).to.equal(0);
}

const release = () => servedRelease().catch(() => undefined);

describe('an engine that restarts in the middle of a deploy', function () {
  this.timeout(600_000);

  before(async function () {
    const others = await foreignContainers();
    if (others.length === 0) return buildRelease(stack(), 'v4.0.0');
    console.log(`      not on an engine that runs others: ${others.join(', ')}`);
    this.skip();
  });

  for (const [steps, when] of [
    // The first step is the restore point.
    [1, 'while the new api starts'],
    [3, 'after the switch'],
  ] as const)
    it(`${when}: the site serves again by itself, and the next deploy finishes`, async () => {
      const current = await release();
      expect(current).to.be.a('string');
      const deploy = spawn('ops/atlas', ['deploy', '--tag', 'v4.0.0'], {
        cwd: stack().directory,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let output = '';
      deploy.stderr.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
      const ended = once(deploy, 'close');
      await waitFor(
        'the deploy',
        async () => (output.match(/^ {2}ok /gm)?.length ?? 0) >= steps && /^plan/m.test(output),
        Boolean,
        60,
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
      await restartEngine();
      // Nobody helps: neither the deploy, which may still be undoing, nor a compose command.
      await waitFor('the site', release, (found) => found === 'v4.0.0' || found === current, 90);
      await ended;
      expect(deploy.exitCode, output).to.not.equal(0);
      expect(output).to.match(/error: /);
      await mustMake('deploy', { TAG: 'v4.0.0' });
      expect(await release()).to.equal('v4.0.0');
      expect(await containerNames('api', 'worker')).to.have.length(2);
      expect((await stack().make('status')).exitCode, 'all is well').to.equal(0);
      if (steps === 1 && current) await mustMake('rollback');
    });
});
