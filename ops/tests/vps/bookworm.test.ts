import { expect } from 'chai';
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
