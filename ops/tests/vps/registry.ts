import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { freePort } from '../e2e/create-stack.ts';
import { buildRegistryImage } from './build.ts';
import { labels } from './vps.ts';

/** The two registries that a VPS pulls from, in one network, under an authority of the test's own. */
export interface Registries {
  /** The certificate of that authority, PEM. */
  authority: string;
  /** What ghcr.io lets in; the token stands for GITHUB_TOKEN. */
  user: string;
  token: string;
  /** The container that is ghcr.io. */
  ghcr: string;
  /** Pushes a local image, to ghcr.io as CI would when the name begins so, otherwise to Docker Hub. */
  push: (reference: string, name: string) => Promise<void>;
  remove: () => Promise<void>;
}

/** Stays, like the images: to push the base images into an empty one compresses all of them anew, for a minute. */
const LAYERS = 'atlas-test-registry';

const HOSTS = { ghcr: 'ghcr.io', hub: 'registry-1.docker.io' };

// https://distribution.github.io/distribution/about/configuration/
const configuration = (auth = '') => `version: 0.1
log: {accesslog: {disabled: false}, level: warn}
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http:
  addr: :443
  tls: {certificate: /etc/registry/host.pem, key: /etc/registry/host.key}
${auth}`;
const needsLogin = 'auth: {htpasswd: {realm: ghcr.io, path: /etc/registry/users}}\n';

/**
 * Starts them: ghcr.io, which wants a login, and Docker Hub, which wants none.
 * @param name begins the names of the containers  @param network where they go by their public names
 */
export async function startRegistries(name: string, network: string): Promise<Registries> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-registry-'));
  const [user, token] = ['ci', `ghs_${randomBytes(18).toString('hex')}`];
  await makeCertificates(directory);
  // bcrypt, which is all that docker-registry takes; libc knows it.
  const hash = await execa('perl', [
    '-e',
    'print crypt($ARGV[0], $ARGV[1])',
    token,
    '$2b$05$abcdefghijklmnopqrstuu',
  ]);
  writeFileSync(path.join(directory, 'users'), `${user}:${hash.stdout}\n`);
  writeFileSync(path.join(directory, 'ghcr.yml'), configuration(needsLogin));
  writeFileSync(path.join(directory, 'hub.yml'), configuration());
  const containers = { ghcr: `${name}-ghcr`, hub: `${name}-hub` };
  const ghcr = await startOne(containers.ghcr, network, HOSTS.ghcr, directory, 'ghcr.yml');
  const hub = await startOne(containers.hub, network, HOSTS.hub, directory, 'hub.yml');
  const docker = (...args: string[]) =>
    execa('docker', ['--config', path.join(directory, 'docker'), ...args]);
  const login = ['login', '--username', user, '--password-stdin', ghcr];
  await execa('docker', ['--config', path.join(directory, 'docker'), ...login], { input: token });
  return {
    ...{ user, token, ghcr: containers.ghcr },
    authority: path.join(directory, 'ca.pem'),
    push: async (reference, to) => {
      const official = to.includes('/') ? to : `library/${to}`;
      const target = to.startsWith('ghcr.io/') ? to.replace('ghcr.io', ghcr) : `${hub}/${official}`;
      await execa('docker', ['tag', reference, target]);
      await docker('push', '--quiet', target);
      await execa('docker', ['image', 'rm', target]);
    },
    remove: async () => {
      await execa('docker', ['rm', '--force', ...Object.values(containers)], { reject: false });
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * On a port of its own, so that it can be stopped and started.
 * @returns its address for this machine's engine, which takes a registry on loopback without knowing its authority
 */
async function startOne(name: string, network: string, host: string, directory: string, config: string) {
  const image = await buildRegistryImage();
  const own = ['--name', name, ...labels(), '--network', network, '--network-alias', host];
  const volumes = [`${directory}:/etc/registry:ro`, `${LAYERS}:/var/lib/registry`].map(
    (one) => `--volume=${one}`,
  );
  const command = ['serve', `/etc/registry/${config}`];
  const address = `127.0.0.1:${await freePort()}`;
  await execa('docker', [
    'run',
    '--detach',
    ...own,
    ...volumes,
    `--publish=${address}:443`,
    image,
    ...command,
  ]);
  return address;
}

async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: directory });
  const fresh = 'req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'.split(' ');
  await openssl(...fresh, '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  const names = Object.values(HOSTS).map((host) => `DNS:${host}`);
  const extensions = [`subjectAltName=${names}`, 'basicConstraints=critical,CA:false'];
  await openssl(
    ...[...fresh, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', '/CN=registries'],
    ...extensions.flatMap((one) => ['-addext', one]),
    ...['-keyout', 'host.key', '-out', 'host.pem'],
  );
}
