import { askOurselves } from '../src/host/http.ts';
import type { Stack } from '../tests/e2e/create-stack.ts';
import { median, percentile, startLoad } from '../tests/e2e/load/load.ts';
import { buildRelease } from '../tests/e2e/releases/build.ts';
import { ownAddress } from './own-address.ts';
import { secondsTo, watch } from './watch-deploy.ts';

const ROUNDS = 3;
const LIGHT_RATE = 20;
const FULL_RATE = 200;
const CONSECUTIVE = 10;
const STEADY_SECONDS = 30;
const DRAINED = /ok .*in flight at the old api finished/;

interface Measured {
  firstAnswer: number;
  drained: number;
  total: number;
  failures: number;
}

const seconds = (value: number) => (Number.isNaN(value) ? '-' : `${value.toFixed(1)} s`);

/** How long releases take, what they lose, and what plain compose does with the same images. */
export async function measureReleases(
  stack: Stack,
  environment: Record<string, string>,
): Promise<string[][]> {
  const bench = await prepare(stack, environment);
  const deploys: Measured[] = [];
  const rollbacks: Measured[] = [];
  const refusals: Measured[] = [];
  const plain: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    process.stderr.write(`releases, round ${round + 1} of ${ROUNDS} …\n`);
    deploys.push(await bench.measure('bench-2', 'make', 'deploy', 'TAG=bench-2'));
    refusals.push(await bench.measure('bench-bad', 'make', 'deploy', 'TAG=bench-bad'));
    rollbacks.push(await bench.measure('bench-1', 'make', 'rollback'));
    plain.push(await bench.measure('bench-2', 'env', 'IMAGE_TAG=bench-2', 'docker', 'compose', 'up', '-d'));
    await bench.measure('bench-1', 'make', 'deploy', 'TAG=bench-1');
  }
  const pick = (all: Measured[], key: keyof Measured) => median(all.map((one) => one[key]));
  const lost = (all: Measured[]) => String(all.reduce((sum, one) => sum + one.failures, 0));
  const row = (what: string, all: Measured[], goal: string) => [
    ...[what, seconds(pick(all, 'firstAnswer')), seconds(pick(all, 'drained')), seconds(pick(all, 'total'))],
    ...[lost(all), goal],
  ];
  return [
    [
      `AT ${LIGHT_RATE} REQUESTS/S, MEDIAN OF ${ROUNDS}`,
      'FIRST ANSWER',
      'DRAINED',
      'ALL',
      'LOST IN ALL',
      'GOAL',
    ],
    row('make deploy', deploys, 'first answer <= 3 s, 0 lost'),
    row('make rollback', rollbacks, 'first answer <= 2.5 s, 0 lost'),
    row('a release that crashes, refused', refusals, 'all <= 5 s, 0 lost'),
    row('plain docker compose up -d', plain, '-'),
    [''],
    ...(await bench.consecutive()),
  ];
}

async function prepare(stack: Stack, environment: Record<string, string>) {
  stack.set({ RATE_LIMIT: '0' }); // the whole load comes from one address
  for (const tag of ['bench-1', 'bench-2']) await buildRelease(stack, tag);
  await buildRelease(stack, 'bench-bad', 'crashing');
  const token = (await stack.make('token', { NAME: 'bench' })).stdout.trim().split('\n').at(-1) ?? '';
  const load = (ratePerSecond: number) =>
    startLoad({
      ...{
        host: ownAddress(),
        httpsPort: stack.httpsPort,
        token,
        ratePerSecond,
        http2Clients: 0,
        slowUploads: 0,
        slowDownloads: 0,
      },
      maxSeconds: 1200,
    });
  for (const tag of ['bench-2', 'bench-1']) await stack.make('deploy', { TAG: tag });

  /** One verb under light load. */
  async function measure(tag: string, file: string, ...args: string[]): Promise<Measured> {
    const running = await load(LIGHT_RATE);
    await wait(2);
    let isOver = false;
    // Over fresh connections: one that a client keeps is served by the nginx worker it has, and so by the old
    // release, once more.
    const first = firstAnswerOf(tag, stack.httpsPort, () => isOver);
    const seen = await watch(stack, environment, file, ...args);
    await wait(2);
    isOver = true;
    return {
      firstAnswer: ((await first) - seen.startedAt) / 1000,
      drained: secondsTo(seen, DRAINED),
      total: (seen.endedAt - seen.startedAt) / 1000,
      failures: (await running.stop()).failures.length,
    };
  }

  /** Ten deploys in a row at the full rate, against the same rate in peace. */
  async function consecutive(): Promise<string[][]> {
    const running = await load(FULL_RATE);
    await wait(5);
    const steadyFrom = Date.now();
    await wait(STEADY_SECONDS);
    const from = Date.now();
    for (let n = 0; n < CONSECUTIVE; n += 1) {
      process.stderr.write(`deploy ${n + 1} of ${CONSECUTIVE} at ${FULL_RATE} requests/s …\n`);
      const seen = await watch(stack, environment, 'make', 'deploy', `TAG=bench-${2 - (n % 2)}`);
      if (seen.exitCode !== 0) throw new Error(seen.output);
    }
    const until = Date.now();
    const { samples, failures, requests } = await running.stop();
    const p99 = (low: number, high: number) =>
      percentile(
        samples.filter(({ at }) => at >= low && at < high).map((one) => one.milliseconds),
        99,
      );
    const steady = p99(steadyFrom, from);
    const during = p99(from, until);
    return [
      [`${CONSECUTIVE} DEPLOYS IN A ROW AT ${FULL_RATE} REQUESTS/S`, 'MEASURED', 'GOAL'],
      ['requests lost', `${failures.length} of ${requests}`, '0'],
      ['p99 in peace', `${steady.toFixed(0)} ms`, '-'],
      ['p99 while deploying', `${during.toFixed(0)} ms, ${(during / steady).toFixed(1)} x`, '<= 2 x'],
    ];
  }
  return { measure, consecutive };
}

/** When a fresh connection first meets a release, in ms since the epoch; NaN when that never comes. */
async function firstAnswerOf(tag: string, port: number, isOver: () => boolean): Promise<number> {
  while (!isOver()) {
    const answer = await askOurselves({ port, name: 'localhost' }, '/livez').catch(() => null);
    if (answer?.release === tag) return Date.now();
    await wait(0.025);
  }
  return Number.NaN;
}

const wait = (duration: number) => new Promise((resolve) => setTimeout(resolve, duration * 1000));
