// An engine that can do what GitHub's runners can (attestations, a cache in a registry), and this machine's perhaps cannot;
// beside it the registry to push to, which wants a login, and a stand-in for Docker Hub.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

export interface Builder {
  /** For DOCKER_HOST. */
  host: string;
  /** Where that engine finds the registry. */
  registry: string;
  user: string;
  token: string;
  /** What the registry has under a path of its API; null when there is nothing. */
  // biome-ignore lint/suspicious/noExplicitAny: manifests as they come
  get: (url: string) => Promise<any>;
  remove: () => Promise<void>;
}

const IMAGE = 'atlas-test/builder';
const ports = { registry: 5000, hub: 5001 };
const HUB = `localhost:${ports.hub}`;

const configuration = (port: number, auth = '') => `version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry/${port}}}
http: {addr: ":${port}"}
${auth}`;

const settings = {
  features: { 'containerd-snapshotter': true },
  'registry-mirrors': [`http://${HUB}`],
};

// An engine in a container needs a tree of control groups that it may write to.
const START = `mount -o remount,rw /sys
umount -R /sys/fs/cgroup
mount -t tmpfs cgroup /sys/fs/cgroup
while IFS=: read -r number controllers _; do
  [ "$number" != 0 ] && [ -n "$controllers" ] || continue
  mkdir -p "/sys/fs/cgroup/\${controllers#name=}"
  case $controllers in name=*) options=none,$controllers ;; *) options=$controllers ;; esac
  mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/\${controllers#name=}"
done </proc/self/cgroup
[ -n "$(ls /sys/fs/cgroup)" ] || mount -t cgroup2 cgroup /sys/fs/cgroup
docker-registry serve /shared/registry.yml >/var/log/registry 2>&1 &
docker-registry serve /shared/hub.yml >/var/log/hub 2>&1 &
exec dockerd --config-file /shared/daemon.json --host unix:///shared/docker.sock --mtu 1400
`;

// Docker's own looks for packages: https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
const SCANNER = `FROM base
USER 0
RUN printf '%s\\n' '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3"}}' >/sbom.json
ENTRYPOINT ["sh", "-c", "cp /sbom.json \\"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json\\""]
`;

/** Starts them. @param name of the container  @param nodeImage official name of the base image of the service */
export async function startBuilder(name: string, nodeImage: string): Promise<Builder> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-builder-'));
  const [user, token] = ['ci', 'ghs_TokenOfThisJobOnly'];
  const hash = await execa('perl', [
    '-e',
    'print crypt($ARGV[0], $ARGV[1])',
    token,
    '$2b$05$abcdefghijklmnopqrstuu',
  ]);
  const write = (file: string, text: string) => writeFileSync(path.join(directory, file), text);
  write('users', `${user}:${hash.stdout}\n`);
  write(
    'registry.yml',
    configuration(ports.registry, 'auth: {htpasswd: {realm: test, path: /shared/users}}\n'),
  );
  write('hub.yml', configuration(ports.hub));
  write('daemon.json', JSON.stringify(settings));
  write('start', START);
  await buildImage();
  await run(name, directory);
  const host = `unix://${path.join(directory, 'docker.sock')}`;
  await execa('docker', ['version'], { env: { DOCKER_HOST: host } });
  await fillHub(host, nodeImage);
  const address = await ask('inspect', '--format={{.NetworkSettings.IPAddress}}', name);
  const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
  return {
    ...{ host, registry: `localhost:${ports.registry}`, user, token },
    get: async (url) => {
      const accept =
        'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*';
      const response = await fetch(`http://${address}:${ports.registry}/v2/${url}`, {
        headers: { authorization, accept },
      });
      return response.ok ? response.json() : null;
    },
    remove: async () => {
      await execa('docker', ['rm', '--force', '--volumes', name], { reject: false });
      rmSync(directory, { recursive: true });
    },
  };
}

const ask = async (...args: string[]) => (await execa('docker', args)).stdout.trim();
const firstOf = async (repository: string) =>
  (await ask('images', '--format={{.Repository}}:{{.Tag}}', repository)).split('\n').find(Boolean);

async function buildImage(): Promise<void> {
  if (!(await firstOf('atlas-base/debian')))
    await execa(path.resolve(import.meta.dirname, '../../../../compose/images/build.sh'));
  const dockerfile = `FROM ${await firstOf('atlas-base/debian')}
RUN apt-get update && apt-get install -y --no-install-recommends docker.io docker-registry iptables mount
`;
  const args = [
    'buildx',
    'build',
    '--load',
    '--network=host',
    '--label=atlas.test=builder',
    `--tag=${IMAGE}`,
    '-',
  ];
  await execa('docker', args, { input: dockerfile });
}

/** Starts the container and waits until its engine answers. */
async function run(name: string, directory: string): Promise<void> {
  const rights = ['--cap-add=ALL', '--cap-drop=SYS_RESOURCE', '--cgroupns=private'];
  const unconfined = ['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'];
  const mounts = [
    '--tmpfs=/run:exec',
    '--tmpfs=/tmp:exec',
    '--volume=/var/lib/docker',
    `--volume=${directory}:/shared`,
  ];
  await execa('docker', [
    ...['run', '--detach', `--name=${name}`, '--label=atlas.test=builder', ...rights, ...mounts],
    ...unconfined.flatMap((one) => ['--security-opt', one]),
    ...['--device-cgroup-rule=a *:* rwm', IMAGE, 'sh', '/shared/start'],
  ]);
  const env = { DOCKER_HOST: `unix://${path.join(directory, 'docker.sock')}` };
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const { exitCode } = await execa('docker', ['info'], { env, reject: false });
    if (exitCode === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(
    `the engine never answered:\n${(await execa('docker', ['logs', name], { all: true })).all}`,
  );
}

/** What a build asks Docker Hub for: the base image, from this machine, and the scanner. */
async function fillHub(host: string, nodeImage: string): Promise<void> {
  const base = (await firstOf(nodeImage)) ?? (await firstOf('atlas-base/node')) ?? '';
  const inside = { env: { DOCKER_HOST: host } };
  await execa('docker', ['load'], {
    ...inside,
    input: execa('docker', ['save', base], { buffer: false }).stdout,
  });
  const [node, scanner] = [`${HUB}/library/${nodeImage}`, `${HUB}/docker/buildkit-syft-scanner:stable-1`];
  await execa('docker', ['tag', base, node], inside);
  await execa('docker', ['push', '--quiet', node], inside);
  const args = ['buildx', 'build', '--push', '--provenance=false', `--tag=${scanner}`, '-'];
  await execa('docker', args, { ...inside, input: SCANNER.replace('FROM base', `FROM ${nodeImage}`) });
}
