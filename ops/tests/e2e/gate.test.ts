import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { INJECTIONS } from '../injections.ts';
import { waitFor } from './client.ts';
import { ensureDebianBase } from './edge/pebble.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const NAME = `atlas-gate-${process.pid}`;
const TOKEN = 'ghs_secret0123456789';

/** A server with a real sshd and a real sudo, set up as `make provision` does; its ops/atlas says what it is asked. */
const DOCKERFILE = (base: string) => `FROM ${base}
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server sudo && useradd --create-home --shell /bin/bash atlas
RUN mkdir -p /run/sshd /root/.ssh /home/atlas/.ssh /opt/sevra-atlas/ops /opt/sevra-atlas/.atlas && chmod 0700 /opt/sevra-atlas/.atlas && \\
    echo 'atlas ALL=(root) NOPASSWD: /opt/sevra-atlas/ops/ssh-gate' >/etc/sudoers.d/sevra-atlas
COPY key.pub /root/.ssh/authorized_keys
COPY authorized_keys /home/atlas/.ssh/authorized_keys
COPY --chmod=0755 ssh-gate atlas /opt/sevra-atlas/ops/
CMD ["/usr/sbin/sshd", "-D", "-e"]
`;

const ATLAS = `#!/bin/bash
printf '%s\\n' "$*" >>/asked
echo "as $(id -un) for \${SUDO_USER:-nobody}"
case $1 in
  deploy) read -r login; echo "login of \${#login} characters"; until [[ -e /go ]]; do sleep 0.1; done; echo more; echo more; echo done >>/asked ;;
  status) tty -s && echo 'with a terminal'; exit 1 ;;
esac
`;

describe('the gate of CI, with a real sshd', function () {
  this.timeout(300_000);
  let directory: string;
  let address: string;
  const docker = async (...args: string[]) => (await execa('docker', args, { stdin: 'ignore' })).stdout;
  const inside = async (...args: string[]) => docker('exec', NAME, ...args);
  const asked = () => inside('sh', '-c', 'cat /asked 2>/dev/null || true');
  const options = () => [
    ...['-i', path.join(directory, 'key'), '-o', `UserKnownHostsFile=${directory}/known_hosts`],
    ...['-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes', '-F', 'none'],
  ];
  const ask = (request: string, input = '') =>
    execa('ssh', [...options(), `atlas@${address}`, '--', request], { input, reject: false });

  before(async function () {
    if (process.env.TEST_NO_ENGINE) return this.skip();
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-gate-'));
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(directory, 'key')]);
    const { stdout: key } = await execa('cat', [path.join(directory, 'key.pub')]);
    writeFileSync(
      path.join(directory, 'authorized_keys'),
      `restrict,command="/opt/sevra-atlas/ops/ssh-gate" ${key}\n`,
    );
    cpSync(path.join(root, 'ops/ssh-gate'), path.join(directory, 'ssh-gate'));
    writeFileSync(path.join(directory, 'atlas'), ATLAS);
    writeFileSync(path.join(directory, 'Dockerfile'), DOCKERFILE(await ensureDebianBase()));
    await docker('buildx', 'build', '--load', '--network', 'host', '--tag', 'atlas-test/gate', directory);
    await docker('run', '--detach', '--name', NAME, 'atlas-test/gate');
    address = await docker(
      'inspect',
      '--format',
      '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
      NAME,
    );
    const hostKey = await waitFor(
      'sshd',
      () => inside('cat', '/etc/ssh/ssh_host_ed25519_key.pub'),
      (text) => text !== '',
    );
    writeFileSync(path.join(directory, 'known_hosts'), `${address} ${hostKey}\n`);
    await waitFor(
      'sshd to answer',
      () => ask('releases'),
      ({ exitCode }) => exitCode === 0,
    );
    await inside('rm', '/asked');
  });
  after(async () => {
    if (!directory) return;
    await execa('docker', ['rm', '--force', NAME], { reject: false });
    rmSync(directory, { recursive: true });
  });

  it('lets the four verbs through to root, and nothing of the connection beside the login', async () => {
    await inside('touch', '/go');
    expect((await ask('releases')).stdout).to.equal('as root for atlas');
    expect((await ask('status')).exitCode).to.equal(1);
    const { exitCode, stdout } = await ask('deploy v1.2.3', `ci ${TOKEN}\n`);
    expect([exitCode, stdout]).to.deep.equal([
      0,
      `as root for atlas\nlogin of ${TOKEN.length + 3} characters\nmore\nmore`,
    ]);
    expect((await ask('rollback')).exitCode).to.equal(0);
    expect(await asked()).to.equal(
      'releases\nstatus\ndeploy --tag v1.2.3 --login-stdin\ndone\nrollback --login-stdin',
    );
    await inside('rm', '/asked', '/go');
    // Mutation (not tried): the login in an argument of ops/atlas is in /asked.
    expect(
      await inside('sh', '-c', `grep -rlF ${TOKEN} /opt /run /tmp /home /root /var /etc || true`),
    ).to.equal('');
  });

  it('refuses every injection, no shell, no file, no tunnel, no terminal; each refusal is in the log', async () => {
    // ssh without a command asks for a shell; the empty request is that.
    for (const request of INJECTIONS)
      expect((await ask(request)).exitCode, JSON.stringify(request)).to.equal(2);
    expect(await asked()).to.equal('');
    const refusals = (await inside('cat', '/opt/sevra-atlas/.atlas/log/gate.log'))
      .split('\n')
      .filter((line) => / refused, from [\d.]+: /.test(line));
    expect(refusals).to.have.length(INJECTIONS.length);
    for (const file of ['/owned', '/home/atlas/owned', '/opt/sevra-atlas/owned'])
      expect(await inside('sh', '-c', `ls ${file} 2>/dev/null || true`)).to.equal('');
    const copied = await execa(
      'scp',
      [...options(), path.join(directory, 'atlas'), `atlas@${address}:/tmp/x`],
      {
        reject: false,
      },
    );
    expect(copied.exitCode).to.not.equal(0);
    const tunnel = await execa(
      'ssh',
      [...options(), '-o', 'ExitOnForwardFailure=yes', '-W', '127.0.0.1:22', `atlas@${address}`],
      { reject: false, stdin: 'ignore' },
    );
    expect(tunnel.stderr).to.match(/administratively prohibited|open failed/);
  });

  it('sudo lets the user run the gate, and through it nothing else', async () => {
    const sudo = (...args: string[]) =>
      execa('docker', ['exec', '--user', 'atlas', NAME, 'sudo', '-n', ...args], { reject: false });
    expect((await sudo('id')).stderr).to.match(/password is required|not allowed/);
    const gate = '/opt/sevra-atlas/ops/ssh-gate';
    for (const words of [
      [],
      ['as-root'],
      ['as-root', 'psql'],
      ['as-root', 'deploy', 'v1;id'],
      ['as-root', 'deploy', 'v1', '--yes'],
    ])
      expect((await sudo(gate, ...words)).exitCode, words.join(' ')).to.equal(2);
    expect((await sudo('SSH_ORIGINAL_COMMAND=status', gate)).exitCode).to.not.equal(0);
    expect(await asked()).to.equal('');
  });

  // Mutation (not tried): without setsid and the log, the deploy dies at its first line after the cut.
  it('a deploy goes on when its connection is cut', async () => {
    const client = execa('ssh', [...options(), `atlas@${address}`, 'deploy v2'], {
      input: '\n',
      reject: false,
    });
    await waitFor('the deploy', asked, (text) => text.includes('deploy --tag v2'));
    client.kill('SIGKILL');
    await client;
    await inside('touch', '/go');
    expect(await waitFor('its end', asked, (text) => text.includes('done'))).to.equal(
      'deploy --tag v2 --login-stdin\ndone',
    );
    await inside('rm', '/asked');
  });

  it('make status HOST= asks the server as root, with pinned host keys alone', async () => {
    const socket = path.join(directory, 'agent');
    const agent = execa('ssh-agent', ['-D', '-a', socket], { reject: false });
    try {
      const env = { SSH_AUTH_SOCK: socket };
      await waitFor(
        'ssh-agent',
        () => execa('ssh-add', ['-q', path.join(directory, 'key')], { env, reject: false }),
        ({ exitCode }) => exitCode === 0,
      );
      const make = (known: string) =>
        execa('make', ['releases', `HOST=root@${address}`, `KNOWN_HOSTS=${known}`], {
          cwd: root,
          env,
          reject: false,
        });
      const { stdout, exitCode } = await make(path.join(directory, 'known_hosts'));
      expect([exitCode, stdout]).to.deep.equal([0, 'as root for nobody']);
      const stranger = path.join(directory, 'nobody');
      writeFileSync(stranger, '');
      expect((await make(stranger)).stderr).to.match(/Host key verification failed/);
      expect(await asked()).to.equal('releases');
    } finally {
      agent.kill();
    }
  });
});
