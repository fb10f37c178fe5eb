import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';
import { withLock } from '../../src/host/lock.ts';
import { Failure } from '../../src/report/failure.ts';

const lockModule = path.resolve(import.meta.dirname, '../../src/host/lock.ts');

/** Another process that takes the lock and keeps it until it is killed. */
async function startHolder(): Promise<ChildProcess> {
  const script = `
    const { withLock } = await import(${JSON.stringify(lockModule)});
    await withLock('holder', () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000); }));`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  return holder;
}

const attemptLock = () =>
  withLock('second', async () => 'mine').catch((error: unknown) =>
    error instanceof Failure ? error : Promise.reject(error),
  );

describe('withLock', () => {
  it('refuses a second holder, naming the first, and is free again however the first dies', async () => {
    const holder = await startHolder();
    try {
      const refused = await attemptLock();
      expect(refused).to.be.instanceOf(Failure);
      expect((refused as Failure).message).to.match(
        /another command is changing this server: holder \(pid \d+\) since/,
      );
    } finally {
      holder.kill('SIGKILL');
    }
    // Mutation tried: holding the lock in the child alone (stdin not our pipe) leaves it held here for ever.
    const deadline = Date.now() + 10_000;
    let outcome: unknown;
    do outcome = await attemptLock();
    while (outcome !== 'mine' && Date.now() < deadline);
    expect(outcome).to.equal('mine');
  });

  it('lets go after an action that throws', async () => {
    await withLock('first', async () => Promise.reject(new Error('broken'))).catch(() => {});
    expect(await attemptLock()).to.equal('mine');
  });
});
