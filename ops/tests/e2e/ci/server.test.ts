import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { execa } from 'execa';
import { type Sshd, startSshd } from './sshd.ts';

const script = path.resolve(import.meta.dirname, '../../../ci/server.sh');

// Says what it was asked and given; what it does then is in the file `behaviour`.
const GATE = `
echo "$SSH_ORIGINAL_COMMAND" >>asked
cat >given
{
  cat /proc/[0-9]*/cmdline
  for file in $(grep -lsx ssh /proc/[0-9]*/comm); do cat "\${file%comm}environ"; done
} 2>/dev/null | tr '\\0' '\\n' >processes
echo "done: $SSH_ORIGINAL_COMMAND"
. ./behaviour`;

describe('ci/server.sh', () => {
  let directory: string;
  let sshd: Sshd;
  const at = (name: string) => path.join(directory, name);
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '');
  const start = (args: string[], env: Record<string, string> = {}) =>
    execa(script, args, {
      extendEnv: false,
      env: { PATH: process.env.PATH ?? '', HOME: '/nowhere', ...sshd.env, ...env },
      stdin: 'ignore',
      reject: false,
    });
  const keyDirectories = () => readdirSync('/dev/shm').filter((name) => name.startsWith('atlas-ssh.'));

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-ci-server-'));
    sshd = await startSshd(directory, GATE);
  });
  after(async () => {
    await sshd?.stop();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    for (const name of ['asked', 'given', 'processes']) rmSync(at(name), { force: true });
    writeFileSync(at('behaviour'), '');
  });
  afterEach(() => expect(keyDirectories(), 'keys are left').to.deep.equal([]));

  for (const words of [['deploy', 'v1.2.3'], ['rollback', 'v1.2.0'], ['rollback'], ['status'], ['releases']])
    it(`asks the gate for ${words.join(' ')} and shows its answer`, async () => {
      const { exitCode, stdout } = await start(words);
      expect([exitCode, stdout]).to.deep.equal([0, `done: ${words.join(' ')}`]);
      expect(read('asked')).to.equal(`${words.join(' ')}\n`);
    });

  it("passes the verb's exit code and errors through", async () => {
    for (const code of [1, 2, 3]) {
      writeFileSync(at('behaviour'), `echo 'error: so it is' >&2; exit ${code}`);
      const { exitCode, stderr } = await start(['deploy', 'v1']);
      expect([exitCode, stderr]).to.deep.equal([code, 'error: so it is']);
    }
  });

  // Mutations: the token as a word of the command; without `export -n`.
  it('gives the registry login on standard input, and to no argument or environment of ssh', async () => {
    const login = { REGISTRY_USER: 'octo[bot]', REGISTRY_TOKEN: 'ghs_token-of-the-test' };
    for (const verb of ['deploy', 'rollback']) {
      await start([verb, 'v1'], login);
      expect(read('given')).to.equal('octo[bot] ghs_token-of-the-test\n');
      expect(read('processes')).to.contain(`\n${verb} v1\n`).and.contain('\nREGISTRY_USER=octo');
      expect(read('processes')).not.to.match(/ghs_token|BEGIN OPENSSH/);
    }
    await start(['status'], login);
    expect(read('given')).to.equal('');
  });

  // Mutation: StrictHostKeyChecking=accept-new.
  it('speaks to no server but the one that is pinned', async () => {
    const { port } = sshd;
    const others = [`[127.0.0.1]:${port} ${read('id.pub')}`, `other.example ${read('host.pub')}`];
    for (const SSH_KNOWN_HOSTS of others) {
      const { exitCode, stderr } = await start(['deploy', 'v1'], { SSH_KNOWN_HOSTS });
      expect(exitCode).to.equal(3);
      expect(stderr).to.contain('Host key verification failed');
      expect(stderr).to.contain('next: ops/ci/server.sh releases');
    }
    expect(read('asked')).to.equal('');
  });

  // Mutation: the carriage returns left in.
  it('takes keys as a form hands them on: carriage returns, no last newline', async () => {
    const pasted = (text = '') => text.trimEnd().replaceAll('\n', '\r\n');
    const { SSH_PRIVATE_KEY, SSH_KNOWN_HOSTS } = sshd.env;
    const keys = { SSH_PRIVATE_KEY: pasted(SSH_PRIVATE_KEY), SSH_KNOWN_HOSTS: pasted(SSH_KNOWN_HOSTS) };
    expect((await start(['status'], keys)).exitCode).to.equal(0);
  });

  // Mutations: ssh in the foreground; no trap for EXIT.
  it('keeps the keys to itself, and none when it is stopped', async () => {
    writeFileSync(at('behaviour'), 'mkfifo held; read -r _ <held');
    const running = start(['deploy', 'v1']);
    await until(() => existsSync(at('held')));
    const [name = ''] = keyDirectories();
    expect(statSync(`/dev/shm/${name}`).mode & 0o777).to.equal(0o700);
    expect(statSync(`/dev/shm/${name}/id`).mode & 0o777).to.equal(0o600);
    running.kill('SIGTERM');
    expect((await running).exitCode).to.equal(143);
    writeFileSync(at('held'), 'go\n');
  });

  it('says what may go on when the connection is cut', async () => {
    writeFileSync(at('behaviour'), 'kill $PPID');
    const { exitCode, stderr } = await start(['deploy', 'v1']);
    expect(exitCode).to.equal(3);
    expect(read('asked')).to.equal('deploy v1\n');
    expect(stderr).to.contain('no answer from').and.contain('finishes or undoes itself');
  });

  it('asks nothing when the words are not of the gate', async () => {
    const wrong = [
      [],
      ['deploy'],
      ['deploy', ''],
      ['deploy', 'v1', 'v2'],
      ['status', 'v1'],
      ['psql'],
      ['deploy', 'v1;id'],
    ];
    for (const words of [
      ...wrong,
      ['deploy', '-v1'],
      ['rollback', 'v1\nid'],
      ['deploy v1'],
      ['rollback', '$(id)'],
    ]) {
      const { exitCode, stdout } = await start(words);
      expect([exitCode, stdout], words.join('|')).to.deep.equal([2, '']);
    }
    expect(read('asked')).to.equal('');
  });

  it('names what is missing or wrong in the environment', async () => {
    const cases: Record<string, Record<string, string>> = {
      'SSH_HOST is not set': { SSH_HOST: '' },
      'SSH_PRIVATE_KEY is not set': { SSH_PRIVATE_KEY: '' },
      'SSH_KNOWN_HOSTS is not set': { SSH_KNOWN_HOSTS: '' },
      'SSH_HOST is neither': { SSH_HOST: '-oProxyCommand=id' },
      'SSH_PORT is not a port': { SSH_PORT: '22 -v' },
      'REGISTRY_TOKEN without REGISTRY_USER': { REGISTRY_TOKEN: 'x' },
    };
    for (const [message, env] of Object.entries(cases)) {
      const { exitCode, stderr } = await start(['status'], env);
      expect(exitCode, message).to.equal(2);
      expect(stderr).to.contain(message).and.contain('nothing was asked of the server');
    }
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}
