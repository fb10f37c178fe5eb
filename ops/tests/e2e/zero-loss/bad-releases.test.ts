import { expect } from 'chai';
import { type Behaviour, buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { containerNames, expectNoLoss, servedRelease, underLoad } from './under-load.ts';

interface Case {
  behaviour: Behaviour;
  /** What the operator must read. */
  told: RegExp;
  /** No longer than this, in seconds: a crash is noticed, not waited for. */
  within?: number;
  /** READY_SECONDS, for what is waited for to the end. */
  readySeconds?: number;
  /** The ledger has it as this; nothing of it where the image refuses before anything begins. */
  result?: string;
}

const CASES: Case[] = [
  { behaviour: 'crashing', told: /the new api crashed.*out of cheese/s, within: 30, result: 'undone' },
  { behaviour: 'unready', told: /the new api is not ready after 5 s/, readySeconds: 5, result: 'undone' },
  {
    behaviour: 'broken',
    told: /public check failed: \S+-api-\d+, asked through nginx before the switch.*HTTP 500/s,
    result: 'undone',
  },
  {
    behaviour: 'broken-in-public',
    told: /public check failed: release \S+, asked at https:.*HTTP 500.*serves again/s,
    result: 'undone',
  },
  { behaviour: 'crashing-worker', told: /the new worker crashed.*out of paper/s, result: 'undone' },
  { behaviour: 'picky-about-settings', told: /does not accept its settings.*expected a haiku/s },
];

describe('a bad release under load', function () {
  this.timeout(900_000);

  const tagOf = (behaviour: Behaviour) => `v1.3.0-${behaviour}`;

  before(async () => {
    for (const { behaviour } of CASES) await buildRelease(stack(), tagOf(behaviour), behaviour);
  });

  it('is refused or undone, whatever is wrong with it, and no request is lost', async () => {
    const { make, settings } = stack();
    const current = settings().IMAGE_TAG;
    const containers = await containerNames('api', 'worker', 'migrate', 'nginx');
    const result = await underLoad(async () => {
      for (const { behaviour, told, within, readySeconds = 40, result: expected } of CASES) {
        const tag = tagOf(behaviour);
        const started = Date.now();
        const outcome = await make('deploy', { TAG: tag }, { READY_SECONDS: String(readySeconds) });
        expect(outcome.exitCode, tag).to.not.equal(0);
        expect(outcome.stderr, `${tag}: ${outcome.stderr}`).to.match(told);
        if (within) expect((Date.now() - started) / 1000, tag).to.be.below(within);
        expect(await containerNames('api', 'worker', 'migrate', 'nginx'), tag).to.deep.equal(containers);
        expect(settings().IMAGE_TAG, tag).to.equal(current);
        expect(await servedRelease(), tag).to.equal(current);
        const [last] = JSON.parse((await make('releases', { JSON: '1' })).stdout).slice(-1);
        if (expected) expect(last).to.include({ tag, result: expected }).and.to.have.property('why');
      }
    });
    expectNoLoss(result);
    expect((await make('status')).exitCode, 'all is well').to.equal(0);
  });

  it('is the only thing that changes: containers, .env and nginx are those from before', async () => {
    const { make } = stack();
    const keep = { KEEP_RELEASES: '100' };
    const { stderr } = await make('deploy', { TAG: stack().settings().IMAGE_TAG ?? '' }, keep);
    expect(stderr).to.match(/^plan: .*\n {2}- check https through nginx: release \S+ answers\n\n/m);
  });
});
