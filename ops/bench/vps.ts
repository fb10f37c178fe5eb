/**
 * `make bench PART=vps`: a VPS in a container, from bare to its first answer, a release to it over SSH, and a reboot. On this
 * machine's own engine, because the VPS brings one. Results go to stdout.
 */
import { performance } from 'node:perf_hooks';
import { formatTable } from '../src/report/table.ts';
import { median } from '../tests/e2e/load/load.ts';
import type { Vps } from '../tests/vps/vps.ts';
import {
  ask,
  askGate,
  closeWorld,
  FIRST,
  openWorld,
  provision,
  publish,
  publishWith,
} from '../tests/vps/world.ts';
import { SERVICE, startKamal } from './kamal.ts';

const RELEASES = ['v1.0.1', 'v1.0.2', 'v1.0.3'];

/** Seconds from the start of an action until the site answers with that release, and until the action ends. */
async function untilServed(
  vps: Vps,
  release: string,
  action: () => Promise<{ exitCode: number; stdout: string; stderr: string } | undefined>,
): Promise<{ served: number; ended: number }> {
  process.stderr.write(`${release} …\n`);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      if ((await ask(vps)).release === release) return seconds();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return (await ask(vps)).release === release ? seconds() : Number.NaN;
  })();
  const outcome = await action();
  const ended = seconds();
  if (outcome && outcome.exitCode !== 0) throw new Error(outcome.stdout + outcome.stderr);
  // A reboot ends before the site is back.
  const limit = setTimeout(() => {
    isOver = true;
  }, 120_000);
  const served = await watching;
  clearTimeout(limit);
  return { served, ended };
}

/** The same releases on the same machine by Kamal, the api alone. */
async function measureKamal(vps: Vps): Promise<[string, number][]> {
  const kamal = await startKamal(vps);
  try {
    const runs: Awaited<ReturnType<typeof kamal.time>>[] = [];
    for (const tag of ['v1.1.0', ...RELEASES.map((one) => one.replace('v1.0', 'v1.1'))]) {
      // Kamal takes no image without this label.
      await publishWith(tag, `LABEL service=${SERVICE}`);
      runs.push(await kamal.time(tag, 'deploy', '--skip-push'));
    }
    const rolledBack = await kamal.time('v1.1.2', 'rollback', 'v1.1.2');
    // The first one makes its network and directories.
    const later = runs.slice(1);
    return [
      [
        'Kamal, the api alone and without its proxy: until the new container is ready (median)',
        median(later.map(({ ready }) => ready)),
      ],
      ['  to its end', median(later.map(({ ended }) => ended))],
      ['  rollback until that container is ready', rolledBack.ready],
      ['  to its end', rolledBack.ended],
    ];
  } finally {
    await kamal.remove();
  }
}

try {
  const world = await openWorld();
  const vps = await world.addVps('trixie');
  const bare = await untilServed(vps, FIRST, () => provision(vps));
  const live: number[] = [];
  const whole: number[] = [];
  for (const tag of RELEASES) {
    await publish(tag);
    const { served, ended } = await untilServed(vps, tag, () => askGate(vps, `deploy ${tag}`));
    live.push(served);
    whole.push(ended);
  }
  const back = await untilServed(vps, 'v1.0.2', () => askGate(vps, 'rollback'));
  const reboots: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await vps.sh('systemctl reboot');
    while ((await ask(vps)).status !== 0) await new Promise((resolve) => setTimeout(resolve, 50));
    reboots.push((await untilServed(vps, 'v1.0.2', async () => undefined)).served);
  }
  const kamal = await measureKamal(vps);
  const row = (what: string, value: number, goal = '') => [what, `${value.toFixed(1)} s`, goal];
  process.stdout.write(
    `${formatTable([
      ['A VPS IN A CONTAINER, DEBIAN 13', 'MEASURED', 'GOAL'],
      row('make provision, bare, to the first HTTPS answer', bare.served),
      row('  to its end', bare.ended),
      row(`pushed image, deploy over SSH, to its first answer (median of ${RELEASES.length})`, median(live)),
      row('  to its end', median(whole)),
      row('rollback over SSH to the first answer', back.served),
      ...kamal.map(([what, value]) => row(what, value)),
      row('reboot, from the last answer to the first (median of 3)', median(reboots), '< 30 s'),
    ])}\n`,
  );
} finally {
  await closeWorld();
}
