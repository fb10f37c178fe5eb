// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const script = path.resolve(import.meta.dirname, '../cron.sh');

describe('cron.sh', () => {
  let root: string;
  const log = (name: string) => path.join(root, '.atlas/log', name);
  const read = (name: string) => (existsSync(log(name)) ? readFileSync(log(name), 'utf8') : '');
  /** An ops/atlas of ours; what it is asked is in the file `asked`. */
  const atlas = (body: string) => {
    const file = path.join(root, 'ops/atlas');
    writeFileSync(file, `#!/bin/bash\necho "$PWD $*" >>asked\n${body}\n`);
    chmodSync(file, 0o755);
  };
  /** As cron does: hardly any environment, somewhere else. */
  const runJob = (args: string[], env: Record<string, string> = {}) =>
    execa(path.join(root, 'ops/cron.sh'), args, { cwd: '/', extendEnv: false, env, reject: false });

  beforeEach(() => {
    root = path.join(mkdtempSync(path.join(tmpdir(), 'atlas cron-')), '100% mine');
    mkdirSync(path.join(root, 'ops'), { recursive: true });
    cpSync(script, path.join(root, 'ops/cron.sh'));
  });
  afterEach(() => rmSync(path.dirname(root), { recursive: true }));

  it('asks for what an operator would ask for, from the checkout', async () => {
    atlas('echo all is well');
    for (const job of ['backup', 'base', 'base-due', 'drill', 'health'])
      expect((await runJob([job])).exitCode, job).to.equal(0);
    expect(readFileSync(path.join(root, 'asked'), 'utf8')).to.equal(
      ['backup --reason nightly --wait 3600', 'base --wait 3600', 'base --due', 'drill --wait 3600', 'health']
        .map((verb) => `${root} ${verb}\n`)
        .join(''),
    );
  });

  it('logs when, what was said on either stream, and how it ended', async () => {
    atlas('echo one; echo two >&2');
    const outcome = await runJob(['backup']);
    expect([outcome.stdout, outcome.stderr]).to.deep.equal(['', '']);
    expect(read('cron.log')).to.match(
      /^=== \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ backup\none\ntwo\n=== exit 0 after \d+ s\n$/,
    );
    expect(read('backup.last')).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ exit 0\n$/);
  });

  // Mutation: `|| true` instead of `|| code=$?`.
  it("passes the verb's exit code through", async () => {
    atlas('exit 3');
    for (const job of ['backup', 'base', 'base-due', 'drill', 'health']) {
      expect((await runJob([job])).exitCode, job).to.equal(3);
      expect(read(`${job}.last`), job).to.match(/Z exit 3\n$/);
    }
  });

  it('finds tools with no environment, and those of the file in /etc/cron.d first', async () => {
    atlas('command -v docker-of-ours; echo "$PATH"');
    const bin = path.join(root, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'docker-of-ours'), '', { mode: 0o755 });
    await runJob(['backup'], { PATH: `${bin}:/usr/bin:/bin` });
    expect(read('cron.log')).to.contain(
      `${bin}/docker-of-ours\n${bin}:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin`,
    );
    expect((await runJob(['drill'])).exitCode).to.equal(0);
    expect(read('cron.log')).to.match(/drill\n.*\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:/);
  });

  // Mutation: the condition before printf taken away.
  it('health is silent in the log while all is well, and only then', async () => {
    atlas('echo all is well');
    await runJob(['health']);
    expect(read('cron.log')).to.equal('');
    expect(read('health.last')).to.match(/Z exit 0\n$/);
    atlas('echo ok backups; echo unknown dns');
    await runJob(['health']);
    expect(read('cron.log')).to.contain('unknown dns');
    atlas('echo all is well; echo note: the certificate ends >&2');
    await runJob(['health']);
    expect(read('cron.log')).to.contain('note: the certificate ends');
    atlas('echo not well: postgres; exit 1');
    await runJob(['health']);
    expect(read('cron.log')).to.match(/ health\nnot well: postgres\n=== exit 1\n$/);
  });

  // Mutation: without the comparison; without the file written anew when all is well.
  it('health says the same trouble once, and again when it comes back', async () => {
    const times = () => read('cron.log').match(/WRONG queue/g)?.length ?? 0;
    const trouble = 'echo WRONG queue; echo well disk at $RANDOM; exit 1';
    atlas(trouble);
    await runJob(['health']);
    await runJob(['health']);
    expect(times()).to.equal(1);
    atlas('echo well queue');
    await runJob(['health']);
    atlas(trouble);
    await runJob(['health']);
    expect(times()).to.equal(2);
    atlas(trouble.replace('queue', 'queue; echo WRONG disk'));
    await runJob(['health']);
    expect(read('cron.log')).to.contain('WRONG disk');
  });

  // Mutation: without flock.
  it('does not check health while a check is still going, and says so', async () => {
    atlas('echo all is well; mkfifo held || exit 1; read -r _ <held');
    const first = runJob(['health']);
    while (!existsSync(path.join(root, 'held'))) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await runJob(['health'])).exitCode).to.equal(0);
    expect(read('cron.log')).to.match(/ health: the one before is still running\n$/);
    expect(readFileSync(path.join(root, 'asked'), 'utf8').trim().split('\n')).to.have.length(1);
    writeFileSync(path.join(root, 'held'), 'go\n');
    expect((await first).exitCode).to.equal(0);
  });

  // Mutation: the loop counts upwards.
  it('rotates a log beyond 1 MB and keeps five', async () => {
    atlas('echo new');
    for (const number of [1, 2, 3, 4, 5]) {
      mkdirSync(log(''), { recursive: true });
      writeFileSync(log(`cron.log.${number}`), `old ${number}\n`);
    }
    writeFileSync(log('cron.log'), 'x'.repeat(1_000_000));
    await runJob(['backup']);
    expect(read('cron.log.1'), 'not beyond it yet').to.equal('old 1\n');
    await runJob(['backup']);
    expect(read('cron.log')).to.match(/^=== \S+ backup\nnew\n/);
    expect(read('cron.log.1')).to.match(/^xxx[\s\S]*new\n/);
    for (const number of [2, 3, 4, 5]) expect(read(`cron.log.${number}`)).to.equal(`old ${number - 1}\n`);
    expect(existsSync(log('cron.log.6'))).to.equal(false);
  });

  it('refuses any other job with its usage', async () => {
    atlas('');
    for (const args of [[], ['deploy'], ['backup', 'now'], ['backup\ndrill']]) {
      const { exitCode, stderr } = await runJob(args);
      expect(exitCode).to.equal(2);
      expect(stderr).to.contain('usage: ops/cron.sh backup|base|base-due|drill|health|offsite');
    }
    expect(existsSync(path.join(root, 'asked'))).to.equal(false);
  });
});
