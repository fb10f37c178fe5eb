import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

/** Let's Encrypt's own small CA for tests, in a container on a network of the engine. */
export interface Pebble {
  /** For ACME_SERVER, inside the network. */
  directoryUrl: string;
  /** PEM file of the authority that vouches for its own HTTPS. */
  authorityFile: string;
  /** How many orders it has been asked for. */
  countOrders: () => Promise<number>;
  /** Says of one certificate (PEM), to whoever asks for its renewal information, that it should be renewed now. */
  adviseRenewal: (certificate: string) => Promise<void>;
  /** What testssl.sh says of a name, asked from the network, with this CA trusted. @returns findings by id */
  testTls: (name: string) => Promise<Record<string, string>>;
  /** Takes it off the network, and back: its memory stays, unlike after a restart. */
  disconnect: () => Promise<void>;
  connect: () => Promise<void>;
  remove: () => Promise<void>;
}

const IMAGE = 'atlas-test/pebble';
const DAY_SECONDS = 86_400;

/** Arguments are words without blanks, in one line or several. */
const words = (text: string) => text.trim().split(/\s+/);
const docker = async (text: string) => (await execa('docker', words(text))).stdout;

const findBase = async () =>
  (await docker('images --format {{.Repository}}:{{.Tag}} atlas-base/debian')).split('\n').find(Boolean);

/** The Debian that our own base images stand on; built when it is not there. */
export async function ensureDebianBase(): Promise<string> {
  if (!(await findBase()))
    await execa(path.resolve(import.meta.dirname, '../../../../compose/images/build.sh'));
  return (await findBase()) ?? '';
}

/** From Debian's packages, on the base that our own images have: sid's Pebble, because trixie's takes no advice. */
async function buildImage(): Promise<void> {
  const dockerfile = `FROM ${await ensureDebianBase()}
RUN sed -En '/ trixie main/{s/ trixie / sid /p;q}' /etc/apt/sources.list >/etc/apt/sources.list.d/sid.list && \\
    apt-get update -o Acquire::Check-Valid-Until=false && apt-get install -y --no-install-recommends pebble/sid testssl.sh
`;
  const args = words(`buildx build --load --network host --label atlas.test=pebble --tag ${IMAGE} -`);
  await execa('docker', args, { input: dockerfile });
}

async function makeIdentity(directory: string): Promise<void> {
  const openssl = (text: string) => execa('openssl', words(text), { cwd: directory });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  // Python 3.13 and later want the key usage of an authority spelled out.
  const usage = '-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign';
  await openssl(`req -x509 ${key} -days 30 -subj /CN=atlas-test -keyout ca.key -out ca.pem ${usage}`);
  await openssl(`req ${key} -subj /CN=pebble -keyout key.pem -out request.pem`);
  const extensions = 'subjectAltName=DNS:pebble\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';
  await writeFile(path.join(directory, 'extensions'), extensions);
  const signing = '-CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions';
  await openssl(`x509 -req -in request.pem ${signing} -out cert.pem`);
}

/**
 * Its certificates live as long as Let's Encrypt's. Not two minutes, so that renewals come by themselves: the window
 * that it advises reaches a day to either side, and certbot then finds every other certificate due at once.
 */
export async function startPebble(network: string): Promise<Pebble> {
  const name = `${network}-pebble`;
  const directory = await mkdtemp(path.join(tmpdir(), 'atlas-pebble-'));
  await makeIdentity(directory);
  const pebble = {
    listenAddress: '0.0.0.0:14000',
    managementListenAddress: '0.0.0.0:15000',
    httpPort: 80,
    tlsPort: 443,
    certificate: '/etc/pebble/cert.pem',
    privateKey: '/etc/pebble/key.pem',
    retryAfter: { authz: 1, order: 1 },
    profiles: {
      default: { description: 'as usual', validityPeriod: 90 * DAY_SECONDS },
      shortlived: { description: 'for addresses', validityPeriod: 6 * DAY_SECONDS },
    },
  };
  await writeFile(path.join(directory, 'config.json'), JSON.stringify({ pebble }));
  await execa('chmod', ['-R', 'a+rX', directory]);
  await buildImage();
  const options = `--network ${network} --volume ${directory}:/etc/pebble:ro`;
  const environment = '--env PEBBLE_VA_NOSLEEP=1 --env PEBBLE_WFE_NONCEREJECT=0';
  const command = 'pebble -config /etc/pebble/config.json';
  await docker(
    `run --detach --name ${name} --network-alias pebble ${options} ${environment} ${IMAGE} ${command}`,
  );
  return {
    directoryUrl: 'https://pebble:14000/dir',
    authorityFile: path.join(directory, 'ca.pem'),
    countOrders: async () => {
      const { stdout, stderr } = await execa('docker', ['logs', name]);
      return (stdout + stderr).split('POST /order-plz').length - 1;
    },
    adviseRenewal: async (certificate) => {
      const suggestedWindow = { start: daysFromNow(-2), end: daysFromNow(-1) };
      await ask(await addressOf(name), 'POST', '/set-renewal-info/', {
        certificate,
        ariResponse: JSON.stringify({ suggestedWindow }),
      });
    },
    testTls: async (target) => {
      const root = await ask(await addressOf(name), 'GET', '/roots/0');
      await writeFile(path.join(directory, 'root.pem'), root, { mode: 0o644 });
      // All that the grade is made of (set_rating_state in its source), and not what tells which clients could connect.
      const checks = '--protocols --std --fs --server-preference --server-defaults --headers --vulnerable';
      const script = `testssl ${checks} --quiet --color 0 --warnings off --add-ca /etc/pebble/root.pem --jsonfile /tmp/found.json ${target} >/tmp/told; cat /tmp/found.json || cat /tmp/told`;
      const { stdout } = await execa('docker', [...words(`run --rm ${options}`), IMAGE, 'sh', '-c', script]);
      const findings = JSON.parse(stdout) as { id: string; finding: string }[];
      return Object.fromEntries(findings.map(({ id, finding }) => [id, finding]));
    },
    disconnect: async () => {
      await docker(`network disconnect ${network} ${name}`);
    },
    connect: async () => {
      await docker(`network connect --alias pebble ${network} ${name}`);
    },
    remove: async () => {
      await docker(`rm --force ${name}`);
      await rm(directory, { recursive: true });
    },
  };
}

const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_SECONDS * 1000).toISOString();

const addressOf = (name: string) =>
  docker(`inspect ${name} --format {{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}`);

/** Pebble's management port. @returns the body  @throws Error unless it answers 200 */
async function ask(host: string, method: string, pathname: string, body?: unknown): Promise<string> {
  const headers = { 'user-agent': 'atlas-test' };
  const call = request({ host, port: 15000, path: pathname, method, rejectUnauthorized: false, headers });
  call.end(body && JSON.stringify(body));
  const [answer] = await once(call, 'response');
  let text = '';
  for await (const chunk of answer) text += chunk;
  if (answer.statusCode !== 200) throw new Error(`pebble: HTTP ${answer.statusCode}: ${text}`);
  return text;
}
