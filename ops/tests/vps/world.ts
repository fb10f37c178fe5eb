import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { execa } from 'execa';
import type { Settings } from '../../src/config/validate.ts';
import { readOfficialImages } from '../../src/host/base-images.ts';
import { buildServiceImage } from '../../src/host/service-image.ts';
import type { BaseImageKey } from '../../src/plan/base-images.ts';
import type { Outcome } from '../e2e/create-stack.ts';
import { type Behaviour, buildRelease } from '../e2e/releases/build.ts';
import { baseImages, type Distribution } from './build.ts';
import { createLaptop, type Laptop, writeSettings } from './laptop.ts';
import { type Registries, startRegistries } from './registry.ts';
import { createNetwork, startVps, type Vps } from './vps.ts';

/** What is around a VPS: the operator's laptop, and the registries with a first release. */
export interface World {
  name: string;
  laptop: Laptop;
  registries: Registries;
  /** Starts one more bare machine; `remove` takes it away too. */
  addVps: (distribution: Distribution) => Promise<Vps>;
}

/** Where CI pushes the releases to. */
export const IMAGE = 'ghcr.io/acme/sevra-atlas';
/** The release that is in the registry, and a tag of git, from the start. */
export const FIRST = 'v1.0.0';
/** The same on this machine's engine: what other releases are made from. */
const LOCAL_IMAGE = 'atlas-test/service';

let current: World | undefined;
let ready: Vps | undefined;
const undo: (() => unknown)[] = [];

export function world(): World {
  if (!current) throw new Error('the world is not there yet');
  return current;
}

/** Builds and starts it. @throws Error; what was started is for closeWorld() */
export async function openWorld(): Promise<World> {
  const name = `atlas-vps-${randomBytes(3).toString('hex')}`;
  undo.push(await createNetwork(name));
  const registries = await startRegistries(name, name);
  undo.push(registries.remove);
  const laptop = await createLaptop();
  undo.push(laptop.remove);
  await laptop.git('tag', FIRST);
  await fillRegistries(registries);
  let count = 0;
  current = {
    ...{ name, laptop, registries },
    addVps: async (distribution) => {
      count += 1;
      const { directory, key } = laptop;
      const own = { name: `${name}-${count}`, network: name, directory, key };
      const vps = await startVps(distribution, { ...own, authorities: [registries.authority] });
      undo.push(vps.remove);
      return vps;
    },
  };
  return current;
}

/** Removes all of it, or says what was kept. */
export async function closeWorld(): Promise<void> {
  if (process.env.TEST_KEEP_STACK)
    return console.log(`      kept: ${current?.name} ${current?.laptop.directory}`);
  for (const one of undo.splice(0).reverse()) await one();
}

/** The gate, as CI asks it: over SSH with its own key alone, and the login of the registry on standard input. */
export function startGate(vps: Vps, words: string, input: string) {
  const options = ['IdentitiesOnly=yes', 'BatchMode=yes', `UserKnownHostsFile=${vps.knownHosts}`];
  const args = ['-i', world().laptop.ciKey, ...options.flatMap((one) => ['-o', one])];
  return execa('ssh', [...args, `atlas@${vps.address}`, words], {
    ...{ input, reject: false, env: { SSH_AUTH_SOCK: '' } },
  });
}

/** The same, to its end. */
export async function askGate(vps: Vps, words: string, input = loginLine()): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await startGate(vps, words, input);
  return { exitCode: exitCode ?? 1, stdout, stderr };
}

/** Docker Hub gets the base images under their official names, ghcr.io the first release. */
async function fillRegistries({ push }: Registries): Promise<void> {
  const here = await baseImages();
  for (const [key, reference] of Object.entries(await readOfficialImages()))
    await push(here[key as BaseImageKey] ?? '', reference);
  const settings = { IMAGE_NAME: LOCAL_IMAGE, NODE_IMAGE: here.NODE_IMAGE } as Settings;
  await buildServiceImage(settings, FIRST);
  await push(`${LOCAL_IMAGE}:${FIRST}`, `${IMAGE}:${FIRST}`);
}

/** The variables that every `make … HOST=` of a test has. */
export const hostVariables = ({ address, knownHosts }: Vps, user = 'root') => ({
  HOST: `${user}@${address}`,
  KNOWN_HOSTS: knownHosts,
});

/** The line that the registry's login is on standard input. */
export const loginLine = () => `${world().registries.user} ${world().registries.token}\n`;

/** `make provision` with everything that the README has. */
export const provision = (vps: Vps, variables: Record<string, string> = {}, user = 'root') =>
  world().laptop.make(
    'provision',
    {
      ...{
        ...hostVariables(vps, user),
        TAG: FIRST,
        KEY: `${world().laptop.ciKey}.pub`,
        HARDEN: '1',
        LOGIN_STDIN: '1',
      },
      ENV_FILE: writeSettings(world().laptop, { IMAGE_NAME: IMAGE }),
      ...variables,
    },
    loginLine(),
  );

/** A machine that `make provision` has brought to its first release: the one of provision.test.ts, if that ran. */
export async function readyVps(): Promise<Vps> {
  if (ready) return ready;
  const vps = await world().addVps('trixie');
  const { exitCode, stderr } = await provision(vps);
  if (exitCode !== 0) throw new Error(stderr);
  return markReady(vps);
}

export function markReady(vps: Vps): Vps {
  ready = vps;
  return vps;
}

/** Lets root's own engine there pull, as an operator does once for a private registry. */
export async function logIn({ sh }: Vps): Promise<void> {
  const { user, token } = world().registries;
  const { exitCode, stderr } = await sh(
    `docker login --username ${user} --password-stdin ghcr.io <<<${token}`,
  );
  if (exitCode !== 0) throw new Error(stderr);
}

/** Makes a release from the first one, good or bad in one way, and pushes it as CI would. */
export async function publish(tag: string, behaviour: Behaviour = 'good', from = FIRST): Promise<void> {
  const { laptop, registries } = world();
  const run = async (file: string, ...args: string[]) => {
    const { exitCode, stdout, stderr } = await execa(file, args, { reject: false });
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };
  const source = { directory: laptop.directory, project: LOCAL_IMAGE, settings: () => ({}), sh: run };
  await buildRelease(source, tag, behaviour, from);
  undo.push(() => execa('docker', ['image', 'rm', `${LOCAL_IMAGE}:${tag}`], { reject: false }));
  await registries.push(`${LOCAL_IMAGE}:${tag}`, `${IMAGE}:${tag}`);
}

/** The same, good, from the first release with one more instruction of a Dockerfile. */
export async function publishWith(tag: string, instruction: string): Promise<void> {
  const base = `${LOCAL_IMAGE}:${tag}-base`;
  await execa('docker', ['build', '--quiet', '--tag', base, '-'], {
    input: `FROM ${LOCAL_IMAGE}:${FIRST}\n${instruction}\n`,
  });
  await publish(tag, 'good', `${tag}-base`);
  await execa('docker', ['image', 'rm', base]);
}

/** Asks the site from outside. @returns its status and release; status 0 when nobody answers */
export function ask({ address }: Vps, path = '/readyz'): Promise<{ status: number; release: string }> {
  return new Promise((resolve) => {
    const nobody = () => resolve({ status: 0, release: '' });
    const asked = request({ host: address, path, rejectUnauthorized: false, timeout: 2000 }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, release: String(answer.headers['x-release'] ?? '') });
    });
    asked
      .on('timeout', () => asked.destroy())
      .on('error', nobody)
      .end();
  });
}
