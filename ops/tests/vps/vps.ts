import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Outcome } from '../e2e/create-stack.ts';
import { ownerLabel } from '../e2e/leftovers.ts';
import { buildVpsImage, type Distribution } from './build.ts';

/** A bare machine in a container: systemd as PID 1, sshd, an engine of its own once somebody installs one. */
export interface Vps {
  container: string;
  address: string;
  /** Its host keys, as a known_hosts file. */
  knownHosts: string;
  /** A bash script as root, without SSH: how the test looks at it. */
  sh: (script: string) => Promise<Outcome>;
  /** `systemctl reboot`; comes back when sshd answers again. */
  reboot: () => Promise<void>;
  remove: () => Promise<void>;
}

// --privileged asks for CAP_SYS_RESOURCE, which not every kernel around us gives.
const machine = [
  ...['--cap-add=ALL', '--cap-drop=SYS_RESOURCE', '--device-cgroup-rule=a *:* rwm'],
  ...[
    '--security-opt=seccomp=unconfined',
    '--security-opt=apparmor=unconfined',
    '--security-opt=systempaths=unconfined',
  ],
  ...['--tmpfs=/run:exec,mode=755', '--tmpfs=/run/lock', '--tmpfs=/tmp:exec,mode=1777'],
  // A reboot ends PID 1.
  '--restart=always',
];

/** On everything that this suite starts. */
export const labels = () => ['--label=atlas.test=vps', ...ownerLabel()];

/** A network for a VPS and a registry, with packets no larger than this machine's own way out carries. */
export async function createNetwork(name: string): Promise<() => Promise<void>> {
  const { stdout } = await execa('ip', ['-json', 'route', 'show', 'default']);
  const device = (JSON.parse(stdout) as { dev: string }[])[0]?.dev ?? '';
  const link = await execa('ip', ['-json', 'link', 'show', device]);
  const mtu = (JSON.parse(link.stdout) as { mtu: number }[])[0]?.mtu ?? 1500;
  const options = [...labels(), `--opt=com.docker.network.driver.mtu=${mtu}`];
  await execa('docker', ['network', 'create', ...options, name]);
  return async () => {
    await execa('docker', ['network', 'rm', name], { reject: false });
  };
}

/**
 * Starts a bare VPS.
 * @param name of container and volume  @param directory where its known_hosts goes
 * @param key the public key that root and debian (who may sudo) are logged in to with
 * @param authorities certificates it trusts, as it trusts this machine's own additional ones
 */
export async function startVps(
  distribution: Distribution,
  {
    name,
    network,
    directory,
    key,
    authorities,
  }: Record<'name' | 'network' | 'directory' | 'key', string> & {
    authorities: readonly string[];
  },
): Promise<Vps> {
  const image = await buildVpsImage(distribution);
  const own = ['--name', name, '--hostname', 'vps', '--network', network, ...labels()];
  await execa('docker', [
    'run',
    '--detach',
    ...own,
    '--volume',
    `${name}:/var/lib/docker`,
    ...machine,
    image,
  ]);
  const sh = async (script: string): Promise<Outcome> => {
    const args = ['exec', '--interactive', name, 'bash', '-euo', 'pipefail'];
    const { exitCode, stdout, stderr } = await execa('docker', args, { input: script, reject: false });
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };
  const remove = async () => {
    await execa('docker', ['rm', '--force', name], { reject: false });
    await execa('docker', ['volume', 'rm', name], { reject: false });
  };
  const extra = '/usr/local/share/ca-certificates';
  const trusted = [...authorities, ...readdirSync(extra).map((file) => path.join(extra, file))];
  for (const [index, file] of trusted.entries())
    await execa('docker', ['cp', '--follow-link', file, `${name}:${extra}/test-${index}.crt`]);
  const ready = await sh(`
    # Until then systemd clears directories, /tmp first of all; degraded, because not every unit runs in a container.
    until state=$(systemctl is-system-running --wait 2>/dev/null) || [[ $state == degraded ]]; do sleep 0.1; done
    update-ca-certificates >/dev/null
    for user in root debian; do
      file=$(getent passwd $user | cut -d: -f6)/.ssh/authorized_keys
      echo '${key}' >$file
      chown $user: $file
    done
    until echo >/dev/tcp/127.0.0.1/22; do sleep 0.1; done 2>/dev/null
    cat /etc/ssh/ssh_host_ed25519_key.pub`);
  if (ready.exitCode !== 0) {
    await remove();
    throw new Error(`the VPS does not start: ${ready.stderr}`);
  }
  const inspect = ['inspect', '--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name];
  const address = (await execa('docker', inspect)).stdout.trim();
  const knownHosts = path.join(directory, `${name}.known_hosts`);
  writeFileSync(knownHosts, `${address} ${ready.stdout}\n`);
  return {
    ...{ container: name, address, knownHosts, sh },
    reboot: async () => {
      const bootId = 'systemctl show --property=UserspaceTimestampMonotonic --property=UserspaceTimestamp';
      const before = (await sh(bootId)).stdout;
      await sh('systemctl reboot');
      const deadline = Date.now() + 60_000;
      for (;;) {
        const now = await sh(`${bootId} && echo >/dev/tcp/127.0.0.1/22`);
        if (now.exitCode === 0 && now.stdout !== before) return;
        if (Date.now() > deadline) throw new Error(`the VPS does not come back: ${now.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    remove,
  };
}
