import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import { buildKamalImage } from '../tests/vps/build.ts';
import { labels, type Vps } from '../tests/vps/vps.ts';
import { IMAGE, world } from '../tests/vps/world.ts';

const PROJECT = 'sevra-atlas';
/** What Kamal calls its containers begins so. */
export const SERVICE = 'atlas-by-kamal';

/** Looks, as often as its proxy would, at what that would look at. */
const HEALTH = '/opt/kamal-health.sh';

/** Kamal, on a machine of its own beside the VPS. */
export interface Kamal {
  /**
   * Runs a command to its end.
   * @returns seconds until the container of that tag was ready, and until the command ended  @throws Error with what it said
   */
  time: (tag: string, ...args: string[]) => Promise<{ ready: number; ended: number }>;
  remove: () => Promise<void>;
}

/**
 * Kamal as Debian has it, for the api of the release that runs on the VPS: with its settings and networks, behind no
 * proxy. That of Kamal is an image of Docker Hub alone; it has less to do here than it would have with one.
 * https://kamal-deploy.org/docs/configuration/overview/
 */
export async function startKamal(vps: Vps): Promise<Kamal> {
  const { laptop, registries, name } = world();
  const image = await buildKamalImage();
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-kamal-'));
  const write = (file: string, text: string) =>
    writeFileSync(path.join(directory, file), text, { mode: 0o600 });
  for (const part of ['config', '.kamal']) mkdirSync(path.join(directory, part));
  const inspect = `docker inspect --format '{{json .Config.Env}}' \
    $(docker ps --quiet --filter label=com.docker.compose.service=api | head -1)`;
  await vps.sh(`cat >${HEALTH} <<'END'
exec 3<>/dev/tcp/127.0.0.1/3000
printf 'GET /readyz HTTP/1.0\\r\\nHost: health\\r\\n\\r\\n' >&3
read -r -u 3 answer
[[ $answer == *' 200 '* ]]
END`);
  write('config/deploy.yml', JSON.stringify(configuration(vps, JSON.parse((await vps.sh(inspect)).stdout))));
  write('.kamal/secrets', `KAMAL_REGISTRY_PASSWORD=${registries.token}\n`);
  const container = `${name}-kamal`;
  const mounts = [`${directory}:/work`, `${path.join(laptop.directory, '.atlas/keys/operator')}:/key:ro`];
  await execa('docker', [
    ...['run', '--detach', '--name', container, '--network', name, ...labels()],
    ...[...mounts.map((one) => `--volume=${one}`), '--workdir=/work', image, 'sleep', 'infinity'],
  ]);
  return {
    time: async (tag, ...args) => {
      process.stderr.write(`kamal ${args.join(' ')} …\n`);
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      const ready = vps.sh(untilReady(tag)).then(seconds);
      const { exitCode, all } = await execa(
        'docker',
        ['exec', `--env=VERSION=${tag}`, container, 'kamal', ...args],
        {
          all: true,
          reject: false,
        },
      );
      if (exitCode !== 0) throw new Error(`kamal ${args.join(' ')}: ${all}`);
      return { ended: seconds(), ready: await ready };
    },
    remove: async () => {
      await execa('docker', ['rm', '--force', container], { reject: false });
      rmSync(directory, { recursive: true });
    },
  };
}

/** Asked on the VPS itself: without a proxy nobody outside is answered. */
const untilReady = (tag: string) => `
  address='{{with index .NetworkSettings.Networks "kamal"}}{{.IPAddress}}{{end}}'
  for try in {1..600}; do
    ip=$(docker inspect --format "$address" ${SERVICE}-web-${tag} 2>/dev/null) && [[ -n $ip ]] &&
      curl -fs -o /dev/null "http://$ip:3000/readyz" && exit
    sleep 0.2
  done
  exit 1`;

function configuration({ address }: Vps, environment: string[]) {
  const clear = Object.fromEntries(
    environment.filter((one) => !one.startsWith('RELEASE=')).map((one) => one.split(/=(.*)/s).slice(0, 2)),
  );
  const options = {
    ...{ network: [`${PROJECT}_data`, `${PROJECT}_web`], user: '1000:1000' },
    ...{ 'health-cmd': 'bash /health.sh', 'health-interval': '1s', 'health-retries': 30 },
  };
  return {
    service: SERVICE,
    image: IMAGE.split('/').slice(1).join('/'),
    registry: { server: 'ghcr.io', username: world().registries.user, password: ['KAMAL_REGISTRY_PASSWORD'] },
    servers: { web: { hosts: [address], cmd: 'api', proxy: false, options } },
    builder: { arch: 'amd64' },
    env: { clear },
    volumes: [
      `/opt/${PROJECT}/uploads:/uploads`,
      `/opt/${PROJECT}/.atlas/panel:/panel:ro`,
      `${HEALTH}:/health.sh:ro`,
    ],
    ssh: { user: 'root', keys: ['/key'], keys_only: true },
  };
}
