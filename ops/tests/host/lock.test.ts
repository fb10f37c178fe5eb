import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect } from 'chai';
import { parseWait, withLock } from '../../src/host/lock.ts';
import { Failure } from '../../src/report/failure.ts';

const source = (name: string) => JSON.stringify(path.resolve(import.meta.dirname, '../../src/host', name));

/** Another process that takes the lock, runs this in it and says when it has begun. */
async function startHolder(action: string): Promise<ChildProcess> {
  const script = `
    const { withLock } = await import(${source('lock.ts')});
    const { run } = await import(${source('exec.ts')});
    await withLock('deploy', 0, () => { console.log('held'); return ${action}; });`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (holder.stdout) await once(holder.stdout, 'data');
  return holder;
}

const FOREVER = 'new Promise(() => setInterval(() => {}, 1000))';
const COMMAND_SECONDS = 3;

const attemptLock = (waitSeconds = 0) =>
  withLock('second', waitSeconds, async () => 'mine').catch((error: unknown) =>
    error instanceof Failure ? error : Promise.reject(error),
  );

describe('withLock', function () {
  this.timeout(60_000);

  it('refuses a second holder, naming the first, since when and by whom, and is free when it is killed', async () => {
    const holder = await startHolder(FOREVER);
    try {
      const refused = await attemptLock();
      expect(refused).to.be.instanceOf(Failure);
      expect((refused as Failure).message).to.match(
        new RegExp(
          `another command is changing this server: deploy by \\S+ \\(pid ${holder.pid}\\) since \\d{4}-`,
        ),
      );
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    expect(await attemptLock()).to.equal('mine');
  });

  it('waits as long as it is told', async () => {
    const holder = await startHolder('new Promise((resolve) => setTimeout(resolve, 1500))');
    try {
      expect(await attemptLock(30)).to.equal('mine');
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('is held on by a command that a killed holder leaves behind, and waits for that one unasked', async () => {
    // Mutation tried: without the descriptor in the command's stdio the lock is free at once, and a second
    // deploy runs beside the first one's `docker compose`.
    const holder = await startHolder(`run('sleep', ['${COMMAND_SECONDS}'])`);
    await new Promise((resolve) => setTimeout(resolve, 500)); // until sleep has begun
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const killed = Date.now();
    expect(await attemptLock()).to.equal('mine');
    expect(Date.now() - killed).to.be.greaterThan((COMMAND_SECONDS - 2) * 1000);
  });

  it('lets go after an action that throws', async () => {
    await withLock('first', 0, async () => Promise.reject(new Error('broken'))).catch(() => {});
    expect(await attemptLock()).to.equal('mine');
  });

  it('refuses a WAIT that is no number of seconds', () => {
    expect(parseWait(undefined)).to.equal(0);
    expect(parseWait('90')).to.equal(90);
    expect(() => parseWait('1m')).to.throw(Failure, /WAIT=1m is not a number of seconds/);
  });
});
