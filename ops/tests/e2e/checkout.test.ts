import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { send } from './client.ts';
import { buildRelease } from './releases/build.ts';
import { stack } from './stack.ts';

const ONE = 'config-1';
const TWO = 'config-2';
const BAD = 'config-bad';

describe('the configuration follows the release', function () {
  this.timeout(600_000);
  let origin: string;
  let release: string;

  const at = (file: string) => path.join(stack().directory, file);
  const read = (file: string) => readFileSync(at(file), 'utf8');
  const change = (file: string, edit: (text: string) => string) => {
    const text = read(file);
    expect(edit(text), file).to.not.equal(text);
    writeFileSync(at(file), edit(text));
  };
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    const { exitCode, stdout, stderr } = await stack().sh('git', ...identity, ...args);
    expect(exitCode, stderr).to.equal(0);
    return stdout;
  };
  const commit = async (tag: string) => {
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '--message', tag);
    await git('tag', tag);
  };
  const servedHeader = async () =>
    (await send('GET', '/livez', { headers: { connection: 'close' } })).headers['x-config'];
  const memoryOfWorker = async () => {
    const { sh } = stack();
    const worker = (await sh('docker', 'compose', 'ps', '--quiet', 'worker')).stdout.trim();
    return (await sh('docker', 'inspect', '--format', '{{.HostConfig.Memory}}', worker)).stdout.trim();
  };
  const EDITED = 'nginx/snippets/gzip.conf';

  const expectConfig = async (tag: string) => {
    const isSecond = tag === TWO;
    expect(await git('describe', '--tags', '--exact-match')).to.equal(tag);
    expect(await servedHeader()).to.equal(isSecond ? 'two' : undefined);
    expect(stack().settings().IMAGE_TAG).to.equal(tag);
    const status = await stack().make('status');
    expect(status.exitCode, status.stdout + status.stderr).to.equal(0);
    // Plain compose in the checkout finds nothing to do: it and the containers are of the same release.
    const containers = async () => (await stack().sh('docker', 'compose', 'ps', '--all', '--quiet')).stdout;
    const before = await containers();
    expect((await stack().sh('docker', 'compose', 'up', '--detach')).exitCode).to.equal(0);
    expect(await containers()).to.equal(before);
  };

  before(async () => {
    release = stack().settings().IMAGE_TAG ?? '';
    origin = mkdtempSync(path.join(tmpdir(), 'atlas-origin-'));
    await buildRelease(stack(), ONE);
    await buildRelease(stack(), TWO);
    await buildRelease(stack(), BAD, 'broken-in-public');
    await commit(ONE);
    change('nginx/conf.d/headers.conf', (text) => `${text}add_header X-Config two always;\n`);
    change('compose/app.yml', (text) => text.replace('mem_limit: 768m', 'mem_limit: 800m'));
    // A setting that the release before does not know.
    change('.env.example', (text) => `${text}NEW_SETTING=\n`);
    change('ops/src/config/schema.ts', (text) =>
      text.replace(
        'export const settingsSpec = {',
        'export const settingsSpec = {\n  NEW_SETTING: str({ default: undefined }),',
      ),
    );
    await commit(TWO);
    await git('checkout', '--quiet', ONE);
    change('nginx/conf.d/headers.conf', (text) => `${text}add_header X-Config bad always;\n`);
    await commit(BAD);
    await git('checkout', '--quiet', 'main');
    await git('reset', '--quiet', '--hard', ONE);
    await git('clone', '--quiet', '--bare', '.', origin);
    await git('remote', 'set-url', 'origin', origin);
    // As after a clone of the first release: the others are only in the remote.
    await git('tag', '--delete', TWO, BAD);
  });
  // The others' tests find the files and the release that they have had.
  after(async () => {
    const { make } = stack();
    await git('remote', 'remove', 'origin');
    await git('checkout', '--quiet', '--force', 'main');
    writeFileSync(at('.env'), read('.env').replace(/^NEW_SETTING=.*\n/m, ''));
    rmSync(at('.atlas/known-keys.json'), { force: true });
    const back = await make('deploy', { TAG: release });
    expect(back.exitCode, back.stderr).to.equal(0);
    rmSync(origin, { recursive: true });
  });

  it('a deploy takes the checkout, nginx and compose to its tag; an edit of another file is kept', async () => {
    const { make } = stack();
    const first = await make('deploy', { TAG: ONE });
    expect(first.exitCode, first.stderr).to.equal(0);
    await expectConfig(ONE);
    appendFileSync(at(EDITED), '# mine\n');
    const memory = await memoryOfWorker();
    const second = await make('deploy', { TAG: TWO });
    expect(second.exitCode, second.stderr).to.equal(0);
    expect(second.stderr).to.match(
      /checkout at config-2 \(\d+ files, of them .*nginx\/conf\.d\/headers\.conf/,
    );
    await expectConfig(TWO);
    expect(await memoryOfWorker()).to.not.equal(memory);
    expect(read(EDITED)).to.match(/# mine\n$/);
    expect(await git('status', '--porcelain')).to.equal(` M ${EDITED}`);
    expect(statSync(at('nginx/conf.d/headers.conf')).mode & 0o777).to.equal(0o644);
  });

  // Mutation: without rememberKeys the older release refuses .env, and the rollback fails.
  it('a rollback takes the configuration of its release along, whose ops code does not know every setting', async () => {
    const { make, set } = stack();
    set({ NEW_SETTING: 'x' });
    const back = await make('rollback');
    expect(back.exitCode, back.stderr).to.equal(0);
    await expectConfig(ONE);
    expect(read(EDITED)).to.match(/# mine\n$/);
    expect(stack().settings().NEW_SETTING).to.equal('x');
  });

  // Mutation (not tried): findEdited returns none, and the edit is gone.
  it('an edit that the move would lose stops it, by name', async () => {
    const file = 'nginx/conf.d/headers.conf';
    appendFileSync(at(file), '# mine too\n');
    const refused = await stack().make('deploy', { TAG: TWO });
    expect(refused.stderr).to.contain(`edited here, and different in ${TWO}: ${file}`);
    expect(refused.stderr).to.contain('nothing was changed');
    expect(read(file)).to.match(/# mine too\n$/);
    await git('checkout', '--quiet', '--', file);
    const dry = await stack().make('deploy', { TAG: TWO, DRY_RUN: '1' });
    expect(dry.stderr).to.contain(`checkout: moves to ${TWO} first`);
    await expectConfig(ONE);
  });

  // Mutation: without goBack the checkout, and with it nginx and compose, stay those of the bad release.
  it('a release that is undone takes the checkout back, and nginx with it', async () => {
    const bad = await stack().make('deploy', { TAG: BAD });
    expect(bad.exitCode).to.not.equal(0);
    // It fails after the switch, when nginx has its configuration already.
    expect(bad.stderr)
      .to.contain('the public check failed')
      .and.contain('undo: the checkout is where it was');
    expect(bad.stderr).to.contain('undo: nginx reads the configuration from before again');
    await expectConfig(ONE);
    expect(existsSync(at('.atlas/checkout-from.json'))).to.equal(false);
  });

  // Mutation: without begin() the rollback goes to the release before the one that serves.
  it('killed after the checkout has moved, a rollback brings both back, and a deploy finishes', async () => {
    const { make, directory } = stack();
    const kill = async () => {
      const child = spawn('ops/atlas', ['deploy', '--tag', TWO], {
        cwd: directory,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let output = '';
      for await (const chunk of child.stderr) {
        output += chunk;
        if (/ok .*checkout at/.test(output)) break;
      }
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(await git('describe', '--tags', '--exact-match'), output).to.equal(TWO);
      expect(stack().settings().IMAGE_TAG).to.equal(ONE);
    };
    await kill();
    const back = await make('rollback');
    expect(back.exitCode, back.stderr).to.equal(0);
    await expectConfig(ONE);
    await kill();
    const done = await make('deploy', { TAG: TWO });
    expect(done.exitCode, done.stderr).to.equal(0);
    await expectConfig(TWO);
    expect(existsSync(at('.atlas/checkout-from.json'))).to.equal(false);
  });

  it('a tag that git does not know leaves the checkout alone, which is said', async () => {
    const { make } = stack();
    await buildRelease(stack(), 'nowhere-in-git');
    const outcome = await make('deploy', { TAG: 'nowhere-in-git' });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    expect(outcome.stderr).to.contain('git knows no tag nowhere-in-git: compose and nginx stay as they are');
    expect(await git('describe', '--tags', '--exact-match')).to.equal(TWO);
  });

  it('a remote that does not answer stops a deploy of a tag that may be there, and no rollback', async () => {
    const { make } = stack();
    await git('remote', 'set-url', 'origin', `${origin}-gone`);
    const refused = await make('deploy', { TAG: 'nowhere-in-git' });
    expect(refused.stderr).to.contain("git's remote does not say").and.contain('nothing was changed');
    const back = await make('rollback', { TAG: TWO });
    expect(back.exitCode, back.stderr).to.equal(0);
    await expectConfig(TWO);
  });
});
