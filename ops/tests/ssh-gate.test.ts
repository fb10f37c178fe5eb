import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { INJECTIONS } from './injections.ts';

const script = path.resolve(import.meta.dirname, '../ssh-gate');

describe('ssh-gate', () => {
  let root: string;
  const file = (name: string) => path.join(root, name);
  const read = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
  const log = () => read('.atlas/log/gate.log');
  const program = (name: string, body: string) => {
    mkdirSync(path.dirname(file(name)), { recursive: true });
    writeFileSync(file(name), `#!/bin/bash\n${body}\n`);
    chmodSync(file(name), 0o755);
  };
  /** An ops/atlas of ours; its words are in the file `asked`, one in a line. */
  const atlas = (body: string) => program('ops/atlas', `printf '%s\\n' "$@" >>asked\n${body}`);
  const env = (request: string) => ({
    PATH: `${file('bin')}:${process.env.PATH}`,
    SSH_ORIGINAL_COMMAND: request,
    SSH_CONNECTION: '203.0.113.5 50000 192.0.2.1 22',
  });
  /** As sshd calls a forced command. */
  const ask = (request: string, input = '') =>
    execa(file('ops/ssh-gate'), [], { cwd: '/', extendEnv: false, env: env(request), input, reject: false });

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'atlas gate-'));
    mkdirSync(file('ops'));
    cpSync(script, file('ops/ssh-gate'));
    atlas('');
    // What it is asked is written down, then done: who may become root is for gate.test.ts, with a real sudo.
    program('bin/sudo', 'echo "$*" >>sudo-asked; shift 2; exec env -u SSH_ORIGINAL_COMMAND "$@"');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('lets four verbs through, each as the words that an operator would type', async () => {
    for (const request of ['status', 'releases', 'deploy v1.2.3', 'rollback', 'rollback v1.2.0_rc-1']) {
      const { exitCode, stderr } = await ask(request);
      expect(exitCode, `${request}: ${stderr}`).to.equal(0);
    }
    expect(read('asked').split('\n').join(' ').trim()).to.equal(
      'status releases deploy --tag v1.2.3 --login-stdin rollback --login-stdin rollback v1.2.0_rc-1 --login-stdin',
    );
    expect(log().match(/allowed: .*/g)).to.have.length(5);
  });

  // Mutations: the pattern without its `$`; `.*` as the tag; the check before sudo taken away (the one after it held).
  it('refuses everything else before sudo, with exit code 2, and logs it in one line', async () => {
    for (const request of INJECTIONS) {
      const { exitCode, stderr } = await ask(request);
      expect(exitCode, JSON.stringify(request)).to.equal(2);
      expect(stderr).to.contain('this key may ask for');
    }
    expect(read('asked')).to.equal('');
    const lines = log().trimEnd().split('\n');
    expect(lines).to.have.length(INJECTIONS.length);
    for (const line of lines) expect(line).to.match(/^\S+Z refused, from 203\.0\.113\.5: [\x20-\x7e]+$/);
    expect(log()).to.contain(`${'deploy v1; rm -rf /'.replaceAll(/[ ;]/g, '\\$&')}\n`);
    expect(readdirSync(root)).to.not.include('owned');
    // Whoever is not root has the log written through sudo, and nothing else.
    expect(read('sudo-asked')).to.not.match(/as-root (?!refused )/);
  });

  // Mutation: no check in as_root.
  it('checks again behind sudo', async () => {
    const args = ['as-root', 'deploy', 'v1;id'];
    const { exitCode } = await execa(file('ops/ssh-gate'), args, { env: env(''), reject: false });
    expect(exitCode).to.equal(2);
    expect(read('asked')).to.equal('');
    expect(log()).to.match(/refused/);
  });

  it('passes the exit code and the output of the verb through', async () => {
    atlas('echo out; echo err >&2; exit 3');
    for (const request of ['status', 'deploy v1']) {
      const { exitCode, stdout, stderr } = await ask(request);
      expect(exitCode, request).to.equal(3);
      expect(`${stdout}${stderr}`, request).to.match(/out[\s\S]*err|outerr/);
    }
  });

  // Mutations: the login exported; given as an argument. Both are seen in /proc.
  it('hands the login on by standard input alone: no argument, no environment, no file', async () => {
    atlas(
      `read -r login; echo "got \${login/ghs_/GHS-}"
      ! grep -rlaE 'ghs_[s]ecret' /proc/[0-9]*/cmdline /proc/[0-9]*/environ . 2>/dev/null`,
    );
    const { stdout, exitCode } = await ask('deploy v1', 'ci ghs_secret\n');
    expect(stdout).to.equal('got ci GHS-secret');
    expect(exitCode).to.equal(0);
  });

  // Mutation: `ops/atlas` in the foreground, with the connection as its output.
  it('lets a deploy go on when the connection is cut, with its output in a log', async () => {
    atlas('echo begun; read -r _; until [[ -e go ]]; do sleep 0.02; done; echo more; echo more; echo last');
    const client: ChildProcess = spawn(file('ops/ssh-gate'), [], {
      env: env('deploy v1'),
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    if (client.stdout) await once(client.stdout, 'data');
    client.stdout?.destroy();
    // What sshd starts may get a hang-up, and is killed at the worst.
    process.kill(-(client.pid ?? 0), 'SIGHUP');
    process.kill(-(client.pid ?? 0), 'SIGKILL');
    await once(client, 'exit');
    writeFileSync(file('go'), 'go\n');
    const said = () => {
      const [name = ''] = readdirSync(file('.atlas/log')).filter((one) => one.startsWith('release-'));
      return read(`.atlas/log/${name}`);
    };
    for (let tries = 0; tries < 500 && !said().includes('last'); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said()).to.equal('begun\nmore\nmore\nlast\n');
  });

  it('keeps 20 logs of releases and one old log of its own', async () => {
    const logs = file('.atlas/log');
    mkdirSync(logs, { recursive: true });
    for (let number = 10; number < 40; number += 1)
      writeFileSync(path.join(logs, `release-201011${number}T000000Z-abcdef.log`), '');
    writeFileSync(path.join(logs, 'gate.log'), 'x'.repeat(1_000_000));
    await ask('deploy v1');
    const names = readdirSync(logs).filter((one) => one.startsWith('release-'));
    expect(names).to.have.length(20);
    expect(names)
      .to.include('release-20101139T000000Z-abcdef.log')
      .and.not.include('release-20101110T000000Z-abcdef.log');
    expect(log()).to.match(/^\S+ allowed: deploy v1\n$/);
    expect(existsSync(path.join(logs, 'gate.log.1'))).to.equal(true);
  });
});
