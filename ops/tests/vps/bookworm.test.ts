import { expect } from 'chai';
import { waitFor } from '../e2e/wait-for.ts';
import type { Vps } from './vps.ts';
import { ask, FIRST, hostVariables, logIn, provision, publish, world } from './world.ts';

describe('a VPS with Debian 12 and its engine 20.10, where the operator may sudo', function () {
  this.timeout(15 * 60_000);
  let vps: Vps;

  before(async () => {
    vps = await world().addVps('bookworm');
  });

  it('says what a machine with 1 GB and another firewall would get', async () => {
    await vps.sh(`
      sed 's/^MemTotal:.*/MemTotal: 1000000 kB/' /proc/meminfo >/run/meminfo
      mount --bind /run/meminfo /proc/meminfo
      printf '#!/bin/sh\\necho Status: active\\n' >/usr/sbin/ufw; chmod +x /usr/sbin/ufw`);
    const { exitCode, stderr } = await provision(vps, { DRY_RUN: '1', HARDEN: '' }, 'debian');
    await vps.sh('umount /proc/meminfo; rm /usr/sbin/ufw /run/meminfo');
    expect(exitCode, stderr).to.equal(0);
    expect(stderr)
      .to.match(/^ {2}- \/swapfile: 2048 MB of swap/m)
      .and.match(/^note: ufw is this machine's firewall and stays it; it must let TCP 22, 80, 443 in/m)
      .and.match(/^note: sshd accepts passwords; HARDEN=1 allows keys only$/m)
      .and.not.match(/^ {2}- (firewall|sshd)/m);
  });

  it('from bare to the first HTTPS answer', async () => {
    const { exitCode, stderr } = await provision(vps, {}, 'debian');
    expect(exitCode, stderr).to.equal(0);
    expect(await ask(vps)).to.deep.equal({ status: 200, release: FIRST });
    const { stdout } = await vps.sh(
      "docker version --format '{{.Server.Version}}'; stat -c %U /opt/sevra-atlas/.env",
    );
    expect(stdout).to.match(/^20\.10\.\S+\nroot$/);
  });

  it('nothing to change afterwards, nor after a reboot', async () => {
    expect((await provision(vps, {}, 'debian')).stderr).to.contain('nothing to change');
    await vps.reboot();
    expect((await provision(vps, {}, 'debian')).stderr).to.contain('nothing to change');
  });

  it('tells the laptop how it is, follows its logs and asks its database', async () => {
    const { make, makeUntil } = world().laptop;
    const there = hostVariables(vps, 'debian');
    // The test before has rebooted it.
    const status = await waitFor(
      'it to be well',
      () => make('status', there),
      ({ exitCode }) => exitCode === 0,
      60,
    );
    expect(status.stdout).to.contain(FIRST);
    expect(await makeUntil(/api-\d+ +\| .*"level"/, 'logs', { ...there, SERVICE: 'api' })).to.not.contain(
      'postgres',
    );
    const answer = await make('console', there, 'select 40 + 2 as answer;\n');
    expect(answer.stdout, answer.stderr).to.match(/answer[\s\S]*\n +42\n/);
  });

  it('takes settings over standard input, all or none, and says no value of them', async () => {
    const importing = (lines: string) =>
      world().laptop.make('env-import', hostVariables(vps, 'debian'), lines);
    const file = 'cat /opt/sevra-atlas/.env; stat -c %a:%U /opt/sevra-atlas/.env';
    const before = (await vps.sh(file)).stdout;
    const bad = await importing(
      'HEARTBEAT_URL=https://example.org/hunter2\nSESSION_SECRET=hunter3\nNO_SUCH=hunter4\n',
    );
    expect(bad.exitCode).to.equal(2);
    expect(bad.stderr).to.contain('SESSION_SECRET').and.contain('NO_SUCH');
    expect((await vps.sh(file)).stdout).to.equal(before);
    const good = await importing('HEARTBEAT_URL=https://example.org/hunter2\nKEEP_RELEASES=6\n');
    expect([good.exitCode, good.stdout], good.stderr).to.deep.equal([0, 'HEARTBEAT_URL\nKEEP_RELEASES']);
    expect(bad.stdout + bad.stderr + good.stdout + good.stderr).to.not.contain('hunter');
    expect((await vps.sh(file)).stdout)
      .to.match(/^HEARTBEAT_URL=https:\/\/example.org\/hunter2$/m)
      .and.match(/^600:root$/m);
  });

  it('another release, and back', async () => {
    await publish('v1.0.1');
    const { make } = world().laptop;
    await logIn(vps);
    const deployed = await make('deploy', { ...hostVariables(vps, 'debian'), TAG: 'v1.0.1' });
    expect(deployed.exitCode, deployed.stderr).to.equal(0);
    expect(await ask(vps)).to.deep.equal({ status: 200, release: 'v1.0.1' });
    const back = await make('rollback', hostVariables(vps, 'debian'));
    expect(back.exitCode, back.stderr).to.equal(0);
    expect(await ask(vps)).to.deep.equal({ status: 200, release: FIRST });
  });
});
