import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const ops = path.resolve(import.meta.dirname, '../..');
const module = JSON.stringify(path.join(ops, 'src/host/checkout.ts'));

describe('the checkout', function () {
  this.timeout(60_000);
  let root: string;
  const at = (name: string) => path.join(root, name);
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null);
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  const git = async (...args: string[]) =>
    (await execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: root }))
      .stdout;
  const commit = async (tag: string) => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message', tag);
    await git('tag', tag);
  };
  /** In a process of its own, because the root is read once, and with the umask of ops/atlas. */
  const evaluate = async (code: string, options: { bin?: string; killed?: boolean } = {}) => {
    const script = `process.umask(0o077); const host = await import(${module}); ${code}`;
    const result = await execa(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      {
        cwd: ops,
        env: { OPS_ROOT: root, ...(options.bin ? { PATH: `${options.bin}:${process.env.PATH}` } : {}) },
        reject: !options.killed,
      },
    );
    return result.stdout;
  };
  const move = (from: string, to: string) => `
    const [from, to] = [await host.findTag('${from}'), await host.findTag('${to}')];
    const { changes, edited } = await host.compareCommits(from, to);
    if (edited.length > 0) console.log(edited.join());
    else await host.moveCheckout({ commit: to, branch: null }, changes);`;

  beforeEach(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'atlas checkout-'));
    await git('init', '--quiet', '--initial-branch', 'main');
    mkdirSync(at('ops'));
    cpSync(path.join(ops, 'move-checkout.sh'), at('ops/move-checkout.sh'));
    write('.gitignore', '.atlas/\n');
    write('.atlas/x', '');
    write('nginx/site.conf', 'one\n');
    write('nginx/old/only.conf', 'one\n');
    write('compose/app.yml', 'one\n');
    write('became-a-directory', 'one\n');
    await commit('v1');
    write('nginx/site.conf', 'two\n');
    rmSync(at('nginx/old'), { recursive: true });
    rmSync(at('became-a-directory'));
    write('became-a-directory/file', 'two\n');
    write('ops/new.sh', 'two\n');
    chmodSync(at('ops/new.sh'), 0o755);
    await commit('v2');
    await git('checkout', '--quiet', 'main');
    await git('reset', '--quiet', '--hard', 'v1');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const expectRelease = async (tag: string) => {
    expect(await git('describe', '--tags', '--exact-match')).to.equal(tag);
    const isSecond = tag === 'v2';
    expect(read('nginx/site.conf')).to.equal(isSecond ? 'two\n' : 'one\n');
    expect(existsSync(at('nginx/old'))).to.equal(!isSecond);
    expect(read(isSecond ? 'became-a-directory/file' : 'became-a-directory')).to.equal(
      isSecond ? 'two\n' : 'one\n',
    );
    expect(existsSync(at('.atlas/checkout'))).to.equal(false);
  };

  it('moves to a tag and back, and git finds nothing changed; every uid may read what came', async () => {
    await evaluate(move('v1', 'v2'));
    await expectRelease('v2');
    expect(await git('status', '--porcelain')).to.equal('');
    expect(statSync(at('nginx/site.conf')).mode & 0o777).to.equal(0o644);
    expect(statSync(at('became-a-directory')).mode & 0o777).to.equal(0o755);
    expect(statSync(at('ops/new.sh')).mode & 0o777).to.equal(0o755);
    await evaluate(move('v2', 'v1'));
    await expectRelease('v1');
    expect(await git('status', '--porcelain')).to.equal('');
    expect(await git('rev-parse', 'main'), 'the branch stays where it was').to.equal(
      await git('rev-parse', 'v1'),
    );
  });

  it('carries an edit of a file that does not differ, and names the one that does, changing nothing', async () => {
    write('compose/app.yml', 'mine\n');
    await evaluate(move('v1', 'v2'));
    await expectRelease('v2');
    expect(await git('status', '--porcelain')).to.equal(' M compose/app.yml');
    write('nginx/site.conf', 'mine\n');
    expect(await evaluate(move('v2', 'v1'))).to.equal('nginx/site.conf');
    expect(read('nginx/site.conf')).to.equal('mine\n');
    expect(read('compose/app.yml')).to.equal('mine\n');
    expect(read('ops/new.sh')).to.equal('two\n');
  });

  it('names a file that git does not track where the release has one', async () => {
    write('ops/new.sh', 'mine\n');
    expect(await evaluate(move('v1', 'v2'))).to.equal('ops/new.sh');
    expect(read('ops/new.sh')).to.equal('mine\n');
  });

  // Mutations of move-checkout.sh: `rm` also where a directory is now; `mv` of the index also when that is done.
  it('killed anywhere, is done by the next verb', async () => {
    const bin = at('.atlas/bin');
    mkdirSync(bin);
    // Every program that the move calls dies once, and takes the move with it.
    for (const name of ['rm', 'mv', 'mkdir', 'git']) {
      const real = (await execa('which', [name])).stdout;
      const stub = `#!/bin/bash\n[[ $(ps -o args= $PPID) != *move-checkout* ]] && exec ${real} "$@"
n=$(cat ${JSON.stringify(at('.atlas/count'))}); echo $((n - 1)) >${JSON.stringify(at('.atlas/count'))}
((n != 0)) && exec ${real} "$@"\nkill -9 $PPID\n`;
      writeFileSync(path.join(bin, name), stub, { mode: 0o755 });
    }
    const call = (number: number) => writeFileSync(at('.atlas/count'), String(number));
    call(0);
    await evaluate(move('v1', 'v2'), { bin, killed: true });
    const decided = `${root}-decided`;
    await execa('mv', [root, decided]);
    let kills = -1;
    for (let isKilled = true; isKilled; kills += 1) {
      await execa('cp', ['--archive', decided, root]);
      call(kills + 1);
      const env = { PATH: `${bin}:${process.env.PATH}` };
      isKilled = (await execa(at('ops/move-checkout.sh'), { env, reject: false })).signal === 'SIGKILL';
      await execa(at('ops/move-checkout.sh'));
      await expectRelease('v2');
      expect(await git('status', '--porcelain'), `killed at call ${kills + 1}`).to.equal('');
      rmSync(root, { recursive: true });
    }
    await execa('mv', [decided, root]);
    expect(kills).to.be.greaterThan(8);
  });

  it('fetches a tag that only the remote has, also into a shallow clone; tells unknown from unreachable', async () => {
    const clone = mkdtempSync(path.join(tmpdir(), 'atlas clone-'));
    try {
      await execa('git', ['clone', '--quiet', '--depth', '1', '--branch', 'v1', `file://${root}`, clone]);
      const origin = root;
      root = clone;
      mkdirSync(at('.atlas'));
      const ask = (tag: string) => evaluate(`console.log((await host.fetchTag('${tag}')).what)`);
      expect(await evaluate(`console.log(await host.findTag('v2'))`)).to.equal('null');
      expect(await ask('v9')).to.equal('unknown');
      expect(await ask('v2')).to.equal('fetched');
      await evaluate(move('v1', 'v2'));
      await expectRelease('v2');
      await git('remote', 'set-url', 'origin', `${origin}-gone`);
      expect(await ask('v9')).to.equal('unreachable');
      await git('remote', 'remove', 'origin');
      expect(await ask('v9')).to.equal('unknown');
      root = origin;
    } finally {
      rmSync(clone, { recursive: true });
    }
  });

  it('is none where git has another top directory, or none', async () => {
    const inside = root;
    root = at('nginx');
    expect(await evaluate('console.log(await host.findPosition())')).to.equal('null');
    root = inside;
    rmSync(at('.git'), { recursive: true });
    expect(await evaluate('console.log(await host.findPosition())')).to.equal('null');
  });

  it('knows whether a commit would be lost once nothing is at it', async () => {
    await git('checkout', '--quiet', '--detach');
    write('x', 'x');
    await git('add', 'x');
    await git('commit', '--quiet', '--message', 'x');
    const kept = 'console.log(await host.isKept((await host.findPosition()).commit))';
    expect(await evaluate(kept)).to.equal('false');
    await git('branch', 'keep');
    expect(await evaluate(kept)).to.equal('true');
  });
});
