import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { buildRelease, buildReleaseWith } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, expectNoLoss, mustMake, servedRelease, underLoad } from './under-load.ts';

interface Deploy {
  child: ChildProcess;
  output: () => string;
  ended: Promise<unknown>;
  /** Settles at the very write that brings the wanted number of finished steps, or at the end of the deploy. */
  reached: (steps: number) => Promise<unknown>;
}

/** A deploy in a process group of its own, with what it has written so far. */
function startDeploy(tag: string): Deploy {
  const child = spawn('ops/atlas', ['deploy', '--tag', tag], {
    cwd: stack().directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  const stderr = child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const ended = once(child, 'close');
  const reached = (steps: number) =>
    Promise.race([
      ended,
      new Promise<void>((resolve) => {
        const look = () => finishedSteps(output) >= steps && resolve();
        stderr?.on('data', look);
        look();
      }),
    ]);
  return { child, output: () => output, ended, reached };
}

/** Steps that are done; -1 until the plan is printed and the first one begins. */
const finishedSteps = (output: string) =>
  output.includes('\n\n') ? (output.match(/^ {2}ok .*$/gm)?.length ?? 0) : -1;

/**
 * Kills the deploy alone, not what it started, once so many steps are done and the next one has been at work
 * for so many milliseconds; 0 for a step that may itself take no longer than that.
 */
async function killAfter(tag: string, steps: number, milliseconds: number): Promise<void> {
  const { child, output, ended, reached } = startDeploy(tag);
  await reached(steps);
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode, `the deploy of ${tag} ended before it was killed: ${output()}`).to.equal(
    'SIGKILL',
  );
}

describe('a deploy that is cut short', function () {
  this.timeout(1_200_000);

  before(async () => {
    for (const tag of ['v1.5.0', 'v1.6.0']) await buildRelease(stack(), tag);
  });

  it('SIGKILL at every step in turn, then deploy again: no request is lost, and the second one finishes it', async () => {
    const { make } = stack();
    const tags = ['v1.5.0', 'v1.6.0'];
    // A moment into the long ones, the very beginning of those that are over at once. Before them comes the restore point.
    const steps = {
      beside: 150,
      switch: 150,
      drain: 1000,
      worker: 150,
      retire: 1000,
      settle: 1000,
      check: 0,
      record: 0,
    };
    const result = await underLoad(
      async () => {
        for (const [done, [name, milliseconds]] of Object.entries(steps).entries()) {
          const tag = tags[done % 2] ?? '';
          await killAfter(tag, 1 + done, milliseconds);
          const outcome = await make('deploy', { TAG: tag });
          expect(outcome.exitCode, `${name}: ${outcome.stderr}`).to.equal(0);
          // The ledger may have its line before the kill arrives; everywhere else the next deploy must know.
          if (name !== 'record')
            expect(outcome.stderr, name).to.match(/the deploy of \S+ by root .* was killed at "/);
          expect(await servedRelease(), name).to.equal(tag);
          expect(await containerNames('api', 'worker'), name).to.have.length(2);
        }
      },
      { slowUploads: 0, slowDownloads: 0 },
    );
    expectNoLoss(result);
    expect((await make('status')).exitCode, 'all is well').to.equal(0);
    expect((await make('releases')).stdout).to.match(/ interrupted: killed at "/);
  });

  it('a rollback without TAG after a killed deploy goes back to what .env names', async () => {
    const current = stack().settings().IMAGE_TAG ?? '';
    const other = current === 'v1.5.0' ? 'v1.6.0' : 'v1.5.0';
    await killAfter(other, 3, 100); // nginx sends requests to it already
    expect(await servedRelease()).to.equal(other);
    await mustMake('rollback');
    expect(await servedRelease()).to.equal(current);
    expect(await containerNames('api', 'worker')).to.have.length(2);
  });

  it('Ctrl-C undoes what was begun', async () => {
    const current = stack().settings().IMAGE_TAG ?? '';
    const other = current === 'v1.5.0' ? 'v1.6.0' : 'v1.5.0';
    const { child, output, ended, reached } = startDeploy(other);
    await reached(3);
    child.kill('SIGINT');
    await ended;
    expect(child.exitCode).to.equal(1);
    expect(output()).to.contain('interrupted by SIGINT').and.contain(`release ${current} serves again`);
    expect(await servedRelease()).to.equal(current);
    expect(await containerNames('api', 'worker')).to.have.length(2);
  });

  it('SIGKILL in the middle of a migration: it ends by itself, and the next deploy finishes', async () => {
    const slow = {
      name: '20991231000009_slow',
      up: 'select pg_sleep(4); create table slow (id int)',
      down: 'drop table slow',
    };
    await buildReleaseWith(stack(), 'v1.7.0', [slow]);
    await killAfter('v1.7.0', 2, 1500); // the dump is done, the migration runs
    const { stderr } = await mustMake('deploy', { TAG: 'v1.7.0' });
    expect(stderr).to.contain('was killed at "migrate the database');
    expect(await servedRelease()).to.equal('v1.7.0');
    await mustMake('rollback', { TAG: 'v1.6.0', SCHEMA: 'down' });
  });

  it('two deploys at once: the second is told who holds the lock, and waits when it is told to', async () => {
    const { make } = stack();
    const first = startDeploy('v1.5.0');
    await first.reached(1);
    const refused = await make('deploy', { TAG: 'v1.6.0' });
    expect(refused.exitCode).to.not.equal(0);
    expect(refused.stderr).to.match(
      new RegExp(
        `another command is changing this server: deploy by root \\(pid ${first.child.pid}\\) since `,
      ),
    );
    const second = await mustMake('deploy', { TAG: 'v1.6.0', WAIT: '180' });
    await first.ended;
    expect(first.child.exitCode).to.equal(0);
    expect(second.stderr).to.contain('waiting up to 180 s for deploy by root');
    expect(await servedRelease()).to.equal('v1.6.0');
  });
});
