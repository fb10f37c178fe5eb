// What to break in the code to see a guarantee fail stands beside its test; most of these were not tried.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import type { Outcome } from '../e2e/create-stack.ts';
import { waitFor } from '../e2e/wait-for.ts';
import type { Vps } from './vps.ts';
import {
  ask,
  FIRST,
  hostVariables,
  logIn,
  markReady,
  provision as provisionVps,
  publish,
  world,
} from './world.ts';

const ROOT = '/opt/sevra-atlas';

/** What a run that changes nothing must leave alone: packages, settings, users, the checkout, containers. */
const fingerprint = async ({ sh }: Vps) =>
  (
    await sh(`
      dpkg-query -W | sha256sum
      find /etc /home /opt /usr/local /swapfile -xdev -not -path '*/.git/*' -not -path '*/.atlas/*' -not -path '*/backups/wal/*' -type f -printf '%p %T@ %m %u\\n' 2>/dev/null | sort | sha256sum
      nft list ruleset 2>/dev/null | grep -v counter | sha256sum
      docker ps --no-trunc --quiet 2>/dev/null | sort | sha256sum || true`)
  ).stdout;

describe('make provision', function () {
  this.timeout(15 * 60_000);
  let vps: Vps;
  let first: Outcome;
  const provision = (variables?: Record<string, string>) => provisionVps(vps, variables);

  before(async () => {
    vps = await world().addVps('trixie');
  });

  // Mutation: ensure without its test of $dry_run.
  it('with DRY_RUN=1 says what it would change and changes nothing', async () => {
    const before = await fingerprint(vps);
    const { exitCode, stderr } = await provision({ DRY_RUN: '1' });
    expect(exitCode, stderr).to.equal(0);
    expect(stderr)
      .to.match(/^root@\S+: would change$/m)
      .and.match(/^ {2}- packages: .*\bgit\b/m)
      .and.match(/^ {2}- user atlas, for the key of CI/m)
      .and.match(/^ {2}- user atlas: the key of CI, SHA256:\S+, and no other$/m)
      .and.match(/^ {2}- security updates/m)
      .and.match(/^ {2}- firewall \(nftables\): TCP 22, 80, 443 may come in/m)
      .and.match(/^ {2}- sshd: keys only/m)
      .and.match(/^ {2}- \/opt\/sevra-atlas: the files of v1\.0\.0 \([0-9a-f]{7}\)$/m)
      .and.match(/^ {2}- Node and the container engine/m)
      .and.match(/^ {2}- first deploy: release v1\.0\.0$/m);
    expect(await fingerprint(vps)).to.equal(before);
  });

  // Mutation: StrictHostKeyChecking=accept-new.
  it('does not believe a host key on first sight', async () => {
    const file = path.join(world().laptop.directory, '.atlas/no_known_hosts');
    writeFileSync(file, '');
    const { exitCode, stderr } = await provision({ KNOWN_HOSTS: file });
    expect([exitCode, readFileSync(file, 'utf8')]).to.deep.equal([2, '']);
    expect(stderr).to.contain('error: root@').and.contain('compare it with what your provider shows');
  });

  it('refuses what it cannot use, all before it logs in', async () => {
    const { laptop } = world();
    const secret = path.join(laptop.directory, '.atlas/bad.env');
    writeFileSync(secret, 'IMAGE_NAM=x\nSESSION_SECRET=hunter2\n');
    const cases: [Record<string, string>, RegExp][] = [
      [{ HOST: '-oProxyCommand=touch /tmp/x' }, /error: HOST=.* is not user@host/],
      [{ KEY: laptop.ciKey }, /not one public key/],
      [{ REPO: 'https://me:token@example.org/x.git' }, /REPO .* holds a password/],
      [{ TAG: 'v1;id' }, /is not an image tag/],
      [{ ENV_FILE: secret }, /IMAGE_NAM: unknown key\n *SESSION_SECRET: expected/],
    ];
    for (const [variables, expected] of cases) {
      const { exitCode, stderr } = await provision(variables);
      expect(stderr).to.match(expected).and.not.contain('hunter2').and.not.contain('me:token');
      expect([exitCode, stderr.includes('would change')]).to.deep.equal([2, false]);
    }
  });

  it('brings a bare machine to its first HTTPS answer', async () => {
    expect((await vps.sh('command -v docker node git make cron || true')).stdout).to.equal('');
    const started = Date.now();
    first = await provision();
    expect(first.exitCode, first.stderr).to.equal(0);
    console.log(`      bare VPS to first HTTPS answer: ${((Date.now() - started) / 1000).toFixed(0)} s`);
    expect(await ask(vps)).to.deep.equal({ status: 200, release: FIRST });
    markReady(vps);
    const { stdout } = await vps.sh(
      `cd ${ROOT}; git describe --tags; stat -c '%a %U' .env; git status --porcelain`,
    );
    expect(stdout.split('\n')).to.deep.equal([FIRST, '600 root']);
  });

  // Mutations: is_text compares with a text that ends in another way (every check of a file fails).
  it('finds nothing to change afterwards', async () => {
    const before = await fingerprint(vps);
    const { exitCode, stderr } = await provision();
    expect(exitCode, stderr).to.equal(0);
    expect(stderr).to.match(/^root@\S+: nothing to change$/m);
    expect(await fingerprint(vps)).to.equal(before);
  });

  it('mends what somebody has changed, and only that', async () => {
    await vps.sh('rm /etc/sudoers.d/sevra-atlas; nft delete table inet sevra_atlas; gpasswd -a atlas docker');
    const { exitCode, stderr } = await provision();
    expect(exitCode, stderr).to.equal(0);
    const lines = stderr.split('\n').filter((line) => line.startsWith('  - '));
    expect(lines).to.have.length(3);
    expect((await vps.sh('id -nG atlas')).stdout).to.equal('atlas');
  });

  it('CI has a user without a password, without groups, that may run one program as root', async () => {
    const { stdout } = await vps.sh(`
      id -nG atlas
      getent shadow atlas | cut -d: -f2
      cat ~atlas/.ssh/authorized_keys
      sudo -l -U atlas | grep -A9 'may run'`);
    const [groups, password, key, , ...allowed] = stdout.split('\n');
    expect([groups, password]).to.deep.equal(['atlas', '*']);
    const publicKey = readFileSync(`${world().laptop.ciKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(key).to.equal(`restrict,command="${ROOT}/ops/ssh-gate" ${publicKey}`);
    expect(allowed.map((line) => line.trim())).to.deep.equal([
      `(root) NOPASSWD: ${ROOT}/ops/ssh-gate as-root *`,
    ]);
    const own = await vps.sh(
      `runuser -u atlas -- sh -c 'echo x >>~/.ssh/authorized_keys || mv ~/.ssh ~/old'`,
    );
    expect(own.exitCode, 'the user can give itself a key').to.not.equal(0);
  });

  // Mutation: `policy accept`.
  it('the firewall lets in SSH, HTTP and HTTPS, and nothing else', async () => {
    await vps.sh('systemd-run --unit=stranger systemd-socket-activate --listen=8081 --listen=22022 cat');
    await vps.sh('until ss -Htln | grep -q :8081; do sleep 0.1; done');
    const isOpen = async (port: number) =>
      (await execa('timeout', ['2', 'bash', '-c', `</dev/tcp/${vps.address}/${port}`], { reject: false }))
        .exitCode === 0;
    const open: number[] = [];
    for (const port of [22, 80, 443, 8081, 22022]) if (await isOpen(port)) open.push(port);
    await vps.sh('systemctl stop stranger');
    expect(open).to.deep.equal([22, 80, 443]);
  });

  // Mutation: harden_sshd without PasswordAuthentication.
  it('HARDEN=1 leaves keys as the only way in', async () => {
    const { knownHosts, address } = vps;
    const options = [
      '-o',
      `UserKnownHostsFile=${knownHosts}`,
      '-o',
      'BatchMode=yes',
      '-o',
      'PubkeyAuthentication=no',
    ];
    const { exitCode, stderr } = await execa('ssh', [...options, `root@${address}`, 'true'], {
      reject: false,
    });
    expect(exitCode).to.equal(255);
    expect(stderr).to.contain('Permission denied (publickey).');
  });

  it('HARDEN=1 is taken back where sshd would not heed it', async () => {
    await vps.sh(`
      rm /etc/ssh/sshd_config.d/00-sevra-atlas.conf
      sed -i.before 's/^Include /#&/; $a PasswordAuthentication yes' /etc/ssh/sshd_config
      systemctl reload ssh`);
    const { exitCode, stderr } = await provision();
    const left = await vps.sh(
      'ls /etc/ssh/sshd_config.d; mv /etc/ssh/sshd_config.before /etc/ssh/sshd_config',
    );
    expect(exitCode).to.equal(2);
    expect(stderr).to.contain('taken back').and.contain('run the same command again');
    expect(left.stdout).to.equal('');
    expect((await provision()).exitCode).to.equal(0);
  });

  describe('afterwards', () => {
    it('sends a later tag, and make deploy TAG= brings it there with its files', async () => {
      const { laptop } = world();
      await laptop.git('commit', '--quiet', '--allow-empty', '--message', 'v1.1.0');
      await laptop.git('tag', 'v1.1.0');
      await publish('v1.1.0');
      const sent = await provision({ TAG: 'v1.1.0' });
      expect(sent.stderr.match(/^ {2}- .*$/gm), sent.stderr).to.have.length(1);
      expect(sent.stderr)
        .to.match(/: the tag v1\.1\.0 \(/)
        .and.contain('v1.0.0 is deployed there');
      await logIn(vps);
      const { exitCode, stderr } = await laptop.make('deploy', { ...hostVariables(vps), TAG: 'v1.1.0' });
      await vps.sh('docker logout ghcr.io; rm -r /root/.docker');
      expect(exitCode, stderr).to.equal(0);
      expect(await ask(vps)).to.deep.equal({ status: 200, release: 'v1.1.0' });
      expect((await vps.sh(`git -C ${ROOT} describe --tags`)).stdout).to.equal('v1.1.0');
    });

    it('cron takes the nightly backup', async () => {
      const file = '/etc/cron.d/sevra-atlas';
      const jobs = (await vps.sh(`cat ${file}`)).stdout;
      expect(jobs).to.match(/ backup$/m);
      // The same job, due each minute; cron looks at its files when a minute begins.
      await vps.sh(`sed -i -E '/ backup$/ s/^([^ ]+ ){5}/* * * * * /' ${file}`);
      await waitFor(
        'cron to run the backup',
        async () => (await vps.sh(`cat ${ROOT}/.atlas/log/backup.last || true`)).stdout,
        (last) => /Z exit \d+$/.test(last),
        150,
      );
      const { stdout } = await vps.sh(
        `cat ${ROOT}/.atlas/log/backup.last; ls ${ROOT}/backups/*-nightly/manifest.json`,
      );
      expect(stdout).to.match(/Z exit 0\n\S+manifest\.json/);
    });

    it('a reboot brings the site back by itself, with the firewall', async () => {
      const { release } = await ask(vps);
      const started = Date.now();
      await vps.reboot();
      const back = await waitFor(
        'the site',
        () => ask(vps),
        ({ status }) => status === 200,
        60,
      );
      console.log(`      reboot to first HTTPS answer: ${((Date.now() - started) / 1000).toFixed(0)} s`);
      expect(back.release).to.equal(release);
      expect((await vps.sh('nft list table inet sevra_atlas')).stdout).to.contain('policy drop');
      const again = await provision();
      expect(again.stderr).to.contain('nothing to change');
    });
  });
});
