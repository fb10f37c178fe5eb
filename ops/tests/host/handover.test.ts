import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

const ops = path.resolve(import.meta.dirname, '../..');
const source = (name: string) => JSON.stringify(path.join(ops, 'src/host', name));

describe('a verb that goes on under the lock of the one that started it', function () {
  this.timeout(60_000);
  let root: string;
  const said = () => {
    const file = path.join(root, 'said');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };

  /** A verb that takes the lock and starts this program as its ops/atlas. */
  const start = (program: string, input = '') => {
    mkdirSync(path.join(root, 'ops'));
    writeFileSync(path.join(root, 'ops/atlas'), program, { mode: 0o755 });
    const script = `
      const { withLock } = await import(${source('lock.ts')});
      const { runUnderLock } = await import(${source('handover.ts')});
      console.log(await withLock('deploy', 0, () => runUnderLock(['deploy', '--tag', 'v 1'], ${JSON.stringify(input)})));`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      cwd: ops,
      env: { ...process.env, OPS_ROOT: root },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    const ended = once(child, 'close').then(() => output.trim());
    return { child, ended };
  };

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'atlas handover-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('gets the words and the input, and its exit code is the answer; killed, there is none', async () => {
    const { ended } = start(`#!/bin/bash\nprintf '[%s]' "$@"\ncat\nexit 2\n`, 'ci ghs_token\n');
    expect(await ended).to.equal('[deploy][--tag][v 1]ci ghs_token\n2');
    rmSync(path.join(root, 'ops'), { recursive: true });
    expect(await start('#!/bin/bash\nkill -9 $$\n').ended).to.equal('null');
  });

  // Mutations: isHandedOver always false (it waits for itself; not tried); true without the comparison of the two files.
  it('has the lock, which nobody else gets; the word of it alone, without its descriptor, is not believed', async () => {
    writeFileSync(
      path.join(root, 'probe.mjs'),
      `const { withLock, isHandedOver, HANDED_OVER } = await import(${source('lock.ts')});
      if (isHandedOver()) await withLock('deploy', 0, async () => console.log('ours', process.env[HANDED_OVER]));
      else console.log('not ours');`,
    );
    const { ended } = start(`#!/bin/bash
      node() { ${process.execPath} --import tsx "$OPS_ROOT/probe.mjs"; }
      node
      flock --nonblock "$OPS_ROOT/.atlas/lock" true || echo held
      node 3<"$OPS_ROOT/probe.mjs"
      node 3<&-
      exit 0`);
    expect((await ended).split('\n')).to.deep.equal(['ours undefined', 'held', 'not ours', 'not ours', '0']);
  });

  it('is asked to stop when the other one is', async () => {
    const { child, ended } = start(
      '#!/bin/bash\ntrap "echo asked >>said; exit 1" TERM\ncd "$OPS_ROOT"\necho begun >>said\nwhile :; do sleep 0.05; done\n',
    );
    while (!said().includes('begun')) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    expect(await ended).to.equal('1');
    expect(said()).to.equal('begun\nasked\n');
  });
});
