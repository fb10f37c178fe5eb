import { expect } from 'chai';
import type { BackupEvent } from '../../src/plan/backup-events.ts';
import {
  judgeCertificate,
  judgeDisks,
  judgeLedger,
  judgeQueue,
  judgeServices,
  type LedgerFacts,
} from '../../src/plan/conditions.ts';
import { type Container, SERVICES } from '../../src/plan/containers.ts';
import type { LedgerEntry } from '../../src/plan/releases.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const ago = (hours: number) => new Date(Date.parse(NOW) - hours * 3_600_000).toISOString();

const deploy = (hours: number, result: LedgerEntry['result'] = 'done', why?: string): LedgerEntry => ({
  ...{ what: 'deploy', tag: 'v2', result, started: ago(hours), seconds: 9, by: 'ada' },
  ...(why ? { why } : {}),
});
const run = (what: 'backup' | 'drill', hours: number, result: BackupEvent['result']): BackupEvent => ({
  ...{ what, result, started: ago(hours), seconds: 60, by: 'root', why: 'no space\nleft' },
});

const NOTHING: LedgerFacts = {
  ...{ releases: [], backups: [], killed: null, killedRestore: null, broken: [], now: NOW },
};

type Expected = [state: string, title: RegExp];
type Case = [what: string, facts: Partial<LedgerFacts>, key: string, expected: Expected];

const CASES: Case[] = [
  ['nothing was deployed yet', {}, 'release', ['unknown', /nothing was deployed/]],
  ['a good deploy', { releases: [deploy(1)] }, 'release', ['well', /the deploy of v2 is done/]],
  [
    'an undone one, after a good one',
    { releases: [deploy(9), deploy(1, 'undone', 'crashed\nlog')] },
    'release',
    ['wrong', /^the deploy of v2 was undone: crashed$/],
  ],
  ['a failed one', { releases: [deploy(1, 'failed')] }, 'release', ['wrong', /^the deploy of v2 failed$/]],
  [
    'one that was killed, and nobody took up',
    { releases: [deploy(9)], killed: { what: 'deploy', tag: 'v3', step: 'migrate', started: ago(1) } },
    'release',
    ['wrong', /v3 was killed at "migrate"/],
  ],
  [
    'a good one after an undone one',
    { releases: [deploy(9, 'undone'), deploy(1)] },
    'release',
    ['well', /done/],
  ],

  ['nothing broken', {}, 'backups', ['well', /nothing in backups/]],
  ['backups/ that cannot be read', { broken: null }, 'backups', ['unknown', /cannot be read/]],
  [
    'two broken ones',
    {
      broken: [
        { name: '.x.partial', why: 'killed' },
        { name: 'y', why: 'short' },
      ],
    },
    'backups',
    ['wrong', /^\.x\.partial is no backup: killed and 1 more$/],
  ],
  ['no restore half-way', {}, 'restore', ['well', /none/]],
  [
    'a restore that was killed',
    { killedRestore: { backup: 'x', started: ago(1) } },
    'restore',
    ['wrong', /restore of x was killed/],
  ],

  [
    'no backup yet, and no night since the deploy',
    { releases: [deploy(25)] },
    'backup',
    ['unknown', /no good/],
  ],
  [
    'no backup, 27 h after the first deploy',
    { releases: [deploy(27), deploy(1)] },
    'backup',
    ['wrong', /in the 27 h/],
  ],
  [
    'no backup, and no deploy was ever good',
    { releases: [deploy(99, 'failed')] },
    'backup',
    ['unknown', /nothing was deployed/],
  ],
  ['a good one of last night', { backups: [run('backup', 25, 'done')] }, 'backup', ['well', /25 h old/]],
  ['the newest good one 27 h old', { backups: [run('backup', 27, 'done')] }, 'backup', ['wrong', /27 h old/]],
  [
    'the last one failed, a good one being fresh',
    { backups: [run('backup', 20, 'done'), run('backup', 1, 'failed')] },
    'backup',
    ['wrong', /^the last backup failed: no space$/],
  ],
  [
    'a failure before a good one',
    { backups: [run('backup', 20, 'failed'), run('backup', 1, 'done')] },
    'backup',
    ['well', /1 h old/],
  ],
  [
    'a drill is no backup',
    { releases: [deploy(99)], backups: [run('drill', 1, 'pass')] },
    'backup',
    ['wrong', /no good backup/],
  ],

  ['a drill that passed', { backups: [run('drill', 190, 'pass')] }, 'drill', ['well', /8 days old/]],
  ['none for more than 8 days', { backups: [run('drill', 193, 'pass')] }, 'drill', ['wrong', /8 days old/]],
  [
    'a drill that failed',
    { backups: [run('drill', 1, 'fail')] },
    'drill',
    ['wrong', /drill failed: no space/],
  ],
  [
    'a drill that could not run',
    { backups: [run('drill', 1, 'not-run')] },
    'drill',
    ['wrong', /could not run/],
  ],
  ['no drill yet, in the first week', { releases: [deploy(190)] }, 'drill', ['unknown', /no good drill/]],
  ['no drill yet, after it', { releases: [deploy(193)] }, 'drill', ['wrong', /no good drill/]],
];

// Broken: `>` turned round for either age; the first deploy counted from the last; the last event not looked at.
describe('what the ledger tells', () => {
  for (const [what, facts, key, [state, title]] of CASES)
    it(what, () => {
      const all = judgeLedger({ ...NOTHING, ...facts });
      const found = all.find((one) => one.key === key);
      expect(found?.state).to.equal(state);
      expect(found?.title).to.match(title);
    });
});

const container = (service: string, more: Partial<Container> = {}): Container => ({
  ...{ name: service, service, number: 1, configHash: '', image: '', imageId: '', status: 'running' },
  ...{ health: 'healthy', exitCode: 0, restarts: 0, startedAt: NOW, addresses: {}, ...more },
});
const all = SERVICES.map((service) =>
  container(service, service === 'migrate' ? { status: 'exited', health: null } : {}),
);

describe('what is measured', () => {
  const service = (containers: Container[] | null, name: string) =>
    judgeServices(containers).find(({ key }) => key === `service-${name}`);

  it('services: one condition for each, and one good container is enough', () => {
    const judged = SERVICES.filter((name) => name !== 'wal');
    expect(judgeServices(all).map(({ key, state }) => `${key} ${state}`)).to.deep.equal(
      judged.map((name) => `service-${name} well`),
    );
    const beside = [...all, container('api', { health: 'starting', number: 2 })];
    expect(service(beside, 'api')).to.include({ state: 'well' });
    const without = all.filter((one) => one.service !== 'worker');
    expect(service(without, 'worker')).to.include({ state: 'wrong', title: 'worker is not there' });
    const stopped = [...without, container('worker', { status: 'exited' })];
    expect(service(stopped, 'worker')).to.include({ state: 'wrong', title: 'worker is exited' });
    expect(service(null, 'api')).to.include({ state: 'unknown', isExplained: true });
  });

  it('disks: all that are above 85%, by name', () => {
    const disk = (directory: string, usedPercent: number) => ({ directory, usedPercent, freeBytes: 1 });
    expect(judgeDisks([disk('/', 85), disk('/var', 10)])).to.include({ state: 'well' });
    const found = judgeDisks([disk('/', 85), disk('/var', 85.1)]);
    expect(found).to.include({ state: 'wrong', title: 'the disk of /var is 85% full' });
    expect(judgeDisks(null)).to.include({ state: 'unknown' }).and.not.to.have.property('isExplained');
  });

  it('the queue: stuck when the oldest waits for more than 15 minutes while a worker is up', () => {
    expect(judgeQueue(0, true)).to.include({ state: 'well' });
    expect(judgeQueue(900, true)).to.include({ state: 'well' });
    expect(judgeQueue(960, true)).to.include({
      state: 'wrong',
      title: 'the oldest photo has waited for 16 min',
    });
    expect(judgeQueue(null, true)).to.include({ state: 'unknown' }).and.not.to.have.property('isExplained');
    expect(judgeQueue(960, false)).to.include({ state: 'unknown', isExplained: true });
  });

  it('the certificate: not measured while nginx is down, which is told by itself', () => {
    expect(judgeCertificate('expired', true, '')).to.include({ state: 'wrong', title: 'expired' });
    expect(judgeCertificate('none served', false, '')).to.include({ state: 'unknown', isExplained: true });
  });
});
