// What to break in the code to see a guarantee fail stands beside its test; most of these were not tried.
import { once } from 'node:events';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { execa } from 'execa';
import { SECRET_KEYS } from '../../src/config/schema.ts';
import type { LedgerEntry } from '../../src/plan/releases.ts';
import { waitFor } from '../e2e/wait-for.ts';
import { INJECTIONS } from '../injections.ts';
import type { Vps } from './vps.ts';
import {
  ask,
  askGate,
  FIRST,
  IMAGE,
  loginLine,
  publish,
  publishWith,
  readyVps,
  startGate,
  world,
} from './world.ts';

const STATE = '/opt/sevra-atlas/.atlas';

describe("CI's key at the gate", function () {
  this.timeout(10 * 60_000);
  let vps: Vps;

  const request = (words: string, input?: string) => askGate(vps, words, input);
  const ledger = async (): Promise<LedgerEntry[]> =>
    (await vps.sh(`cat ${STATE}/ledger.jsonl`)).stdout.split('\n').map((line) => JSON.parse(line));
  const last = async () => (await ledger()).at(-1);
  const running = async () => (await ask(vps)).release;

  before(async () => {
    vps = await readyVps();
  });

  // The last that it is for; a server that idles still takes its share of the processor.
  after(async () => {
    if (!process.env.TEST_KEEP_STACK) await vps.remove();
  });

  // Mutation: the pattern of ssh-gate without its `$`.
  it(`refuses ${INJECTIONS.length} other requests, and logs each`, async () => {
    const before = await vps.sh(`grep -c refused ${STATE}/log/gate.log || true`);
    for (const words of INJECTIONS) {
      const { exitCode, stdout, stderr } = await request(words);
      expect(exitCode, JSON.stringify(words)).to.equal(2);
      expect([stdout, stderr.includes('this key may ask for')], words).to.deep.equal(['', true]);
    }
    const after = await vps.sh(`grep -c refused ${STATE}/log/gate.log`);
    expect(Number(after.stdout) - Number(before.stdout || 0)).to.equal(INJECTIONS.length);
    expect((await vps.sh('journalctl --quiet -t sevra-atlas-gate | grep -c refused')).stdout).to.equal(
      after.stdout,
    );
    expect((await vps.sh("find / -xdev -name owned -not -path '/proc/*'")).stdout).to.equal('');
  });

  it('has no terminal, no forwarding and no files for it', async () => {
    const { laptop } = world();
    const base = [
      '-i',
      laptop.ciKey,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      `UserKnownHostsFile=${vps.knownHosts}`,
    ];
    const target = `atlas@${vps.address}`;
    const terminal = await execa('ssh', [...base, '-tt', target, 'status'], { reject: false });
    expect(terminal.stderr).to.contain('PTY allocation request failed');
    const forward = await execa('ssh', [...base, '-W', '127.0.0.1:5432', target], { reject: false });
    expect(forward.exitCode, forward.stderr).to.equal(255);
    const copy = await execa('scp', [...base, `${target}:/etc/passwd`, laptop.directory], { reject: false });
    expect(copy.exitCode).to.not.equal(0);
  });

  it('tells how the server is', async () => {
    const status = await request('status');
    expect(status.exitCode, status.stderr).to.equal(0);
    expect(status.stdout).to.contain(await running());
    expect((await request('releases')).stdout).to.contain(FIRST);
  });

  // Mutations: `docker login` instead of a login for one pull; the login as an argument of ops/atlas.
  it('deploys a release, with a login that is nowhere else, then or later', async () => {
    await publish('v1.2.0');
    const { token } = world().registries;
    // The bracket keeps grep from finding itself.
    const pattern = token.replace(/^(.)/, '[$1]');
    await vps.sh(`cat >/run/watch <<'END'
      while :; do
        grep -laE '${pattern}' /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
        sleep 0.02
      done >>/run/watched
END
      systemd-run --quiet --unit=watch bash /run/watch`);
    const { exitCode, stderr, stdout } = await request('deploy v1.2.0');
    await vps.sh('systemctl stop watch');
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(await running()).to.equal('v1.2.0');
    expect((await vps.sh('cat /run/watched; rm /run/watch*')).stdout, 'processes with the token').to.equal(
      '',
    );
    const files = await vps.sh(
      `grep -rlaE '${pattern}' /etc /home /opt /root /run /tmp /var/log /var/tmp 2>/dev/null || true; ls -A /root/.docker 2>/dev/null || true`,
    );
    expect(files.stdout, 'files with the token').to.equal('');
    expect(`${stdout}${stderr}`).to.not.contain(token);
  });

  it('without a login the registry gives nothing, and the old release goes on', async () => {
    await publish('v1.2.1');
    const { exitCode, stdout } = await request('deploy v1.2.1', '');
    expect(exitCode, stdout).to.equal(1);
    expect(stdout).to.contain('error: release v1.2.1 is neither on this server nor can it be pulled');
    expect(await running()).to.equal('v1.2.0');
  });

  it('a tag that nobody has pushed ends with 1; the old release goes on, the ledger tells', async () => {
    const { exitCode, stdout } = await request('deploy v9.9.9');
    expect(exitCode, stdout).to.equal(1);
    expect(stdout).to.contain('state: ').and.contain('next: ');
    expect(await running()).to.equal('v1.2.0');
    expect(await last()).to.include({ what: 'deploy', tag: 'v9.9.9', result: 'undone' });
  });

  it('a release that answers with errors is undone', async () => {
    await publish('v1.3.0', 'broken');
    const { exitCode, stdout } = await request('deploy v1.3.0');
    expect(exitCode, stdout).to.equal(1);
    expect(stdout).to.contain('v1.2.0 served all the time');
    expect(await last()).to.include({ tag: 'v1.3.0', result: 'undone' });
    expect(await running()).to.equal('v1.2.0');
  });

  it('a registry that goes away in the middle of a pull fails the deploy, not the site', async () => {
    const { registries } = world();
    // 300 MB that nothing compresses.
    await publishWith('v1.4.0', 'RUN head -c 300M /dev/urandom >/tmp/ballast');
    // Slow enough to be caught: what comes faster from there is dropped.
    const container = [
      'inspect',
      '--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
      registries.ghcr,
    ];
    const { stdout: address } = await execa('docker', container);
    await vps.sh(
      `nft 'table inet slow { chain in { type filter hook input priority -10; ip saddr ${address} limit rate over 10 mbytes/second drop; }; }'`,
    );
    const deploying = request('deploy v1.4.0');
    const parts = "find /var/lib/docker/tmp -name 'GetImageBlob*' -size +5M";
    await waitFor(
      'the pull to be in the middle',
      async () => (await vps.sh(parts)).stdout,
      (found) => found !== '',
    );
    await execa('docker', ['kill', registries.ghcr]);
    // The machine of the registry is still there and says so: one that says nothing is waited for, for minutes, by the engine.
    await vps.sh(
      `nft add chain inet slow out '{ type filter hook output priority 0; }'
      nft add rule inet slow out ip daddr ${address} ip protocol tcp reject with tcp reset`,
    );
    const { exitCode, stdout } = await deploying;
    await vps.sh('nft delete table inet slow');
    expect(exitCode, stdout).to.equal(1);
    expect(await last()).to.include({ tag: 'v1.4.0', result: 'undone' });
    expect(await running()).to.equal('v1.2.0');
    await execa('docker', ['start', registries.ghcr]);
    const again = await request('deploy v1.4.0');
    expect(again.exitCode, again.stdout).to.equal(0);
    expect(await running()).to.equal('v1.4.0');
  });

  // Mutation: run_release with the connection as the deploy's output, in the foreground.
  it('a connection that is cut in the middle lets the deploy go on to its end', async () => {
    await publish('v1.5.0');
    const client = startGate(vps, 'deploy v1.5.0', loginLine());
    client.catch(() => undefined);
    if (client.stdout) await once(client.stdout, 'data');
    client.kill('SIGKILL');
    await waitFor('the ledger to tell of v1.5.0', last, (entry) => entry?.tag === 'v1.5.0', 180);
    expect(await last()).to.include({ what: 'deploy', result: 'done' });
    expect(await running()).to.equal('v1.5.0');
  });

  it('a bad release whose connection is cut undoes itself', async () => {
    await publish('v1.6.0', 'broken');
    const client = startGate(vps, 'deploy v1.6.0', loginLine());
    client.catch(() => undefined);
    if (client.stdout) await once(client.stdout, 'data');
    client.kill('SIGKILL');
    await waitFor('the ledger to tell of v1.6.0', last, (entry) => entry?.tag === 'v1.6.0', 180);
    expect(await last()).to.include({ what: 'deploy', result: 'undone' });
    expect(await running()).to.equal('v1.5.0');
  });

  it('rolls back, to the release before and to one that is named', async () => {
    const back = await request('rollback');
    expect(back.exitCode, back.stdout).to.equal(0);
    expect(await running()).to.equal('v1.4.0');
    const named = await request('rollback v1.2.0');
    expect(named.exitCode, named.stdout).to.equal(0);
    expect(await running()).to.equal('v1.2.0');
  });

  it('no secret of .env is in a log, a list of processes, an image or what nginx was started with', async () => {
    const settings = parse((await vps.sh('cat /opt/sevra-atlas/.env')).stdout);
    const secrets = [...SECRET_KEYS.map((key) => settings[key] ?? ''), world().registries.token].filter(
      Boolean,
    );
    expect(secrets).to.have.length.above(5);
    const look = await vps.sh(`cat >/run/secrets <<'END'
${secrets.join('\n')}
END
      seek() { grep -qaFf /run/secrets && echo "$1" || true; }
      cat /opt/sevra-atlas/.env | seek 'settings, where they belong'
      docker ps --all --quiet | xargs -n 1 docker logs 2>&1 | seek 'logs of containers'
      journalctl --quiet | seek journal
      cat /opt/sevra-atlas/.atlas/log/* /opt/sevra-atlas/.atlas/*.jsonl /var/log/*.log | seek 'log files'
      cat /proc/[0-9]*/cmdline | seek 'list of processes'
      docker inspect sevra-atlas-nginx-1 | seek 'docker inspect of nginx'
      docker image ls --quiet ${IMAGE} | sort -u | xargs -n 1 docker history --no-trunc | seek 'history of images'
      docker save ${IMAGE}:v1.2.0 | seek 'image'
      rm /run/secrets`);
    expect(look.exitCode, look.stderr).to.equal(0);
    expect(look.stdout).to.equal('settings, where they belong');
  });
});
