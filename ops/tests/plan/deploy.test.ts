import { expect } from 'chai';
import { type Container, SERVICES } from '../../src/plan/containers.ts';
import { earlyServices, planDeploy } from '../../src/plan/deploy.ts';
import {
  type DeployFacts,
  describeAhead,
  findSchemaConflict,
  isUpToDate,
  type SchemaFacts,
} from '../../src/plan/deploy-facts.ts';
import { compareSchema } from '../../src/plan/schema.ts';

const container = (service: string, changes: Partial<Container> = {}): Container => ({
  name: `atlas-${service}-1`,
  service,
  number: 1,
  configHash: `hash-${service}`,
  image: `image-${service}`,
  imageId: `id-${service}`,
  status: service === 'migrate' ? 'exited' : 'running',
  health: service === 'migrate' ? null : 'healthy',
  exitCode: 0,
  restarts: 0,
  startedAt: '2026-11-24T00:00:00Z',
  addresses: {},
  ...changes,
});

/** A name with ! is marked. */
function schema(image: string[], database: string[]): SchemaFacts {
  const list = (names: string[]) =>
    names.map((name) => ({ name: name.replace('!', ''), breaking: name.endsWith('!') }));
  const lists = { image: list(image), database: list(database) };
  return { ...lists, ...compareSchema(lists.image, lists.database) };
}

const running: DeployFacts = {
  tag: 'v2',
  currentTag: 'v2',
  imageSource: 'present',
  missingBaseImages: [],
  buildBaseImages: false,
  replicas: 1,
  containers: SERVICES.map((service) => container(service)),
  configHashes: Object.fromEntries(SERVICES.map((service) => [service, `hash-${service}`])),
  imageIds: {},
  nginxConfigChanged: false,
  schema: schema(['1'], ['1']),
  schemaChoice: 'keep',
  newerTag: null,
  dumpId: null,
  certificate: null,
  needsBase: false,
  prunable: [],
};
const app = { api: 'new', worker: 'new', migrate: 'new' };
/** v3 is wanted while v2 runs. */
const next: DeployFacts = { ...running, tag: 'v3', configHashes: { ...running.configHashes, ...app } };
const ids = (facts: DeployFacts) => planDeploy(facts).map((step) => step.id);
const labelOf = (facts: DeployFacts, id: string) => planDeploy(facts).find((step) => step.id === id)?.label;
const withContainer = (service: string, changes: Partial<Container>) =>
  running.containers.map((one) => (one.service === service ? { ...one, ...changes } : one));
const SWITCH = ['beside', 'switch', 'drain', 'worker', 'retire', 'settle', 'check', 'record'];

describe('planDeploy', () => {
  it('on a fresh machine asks the image first, migrates before anything serves, and records last', () => {
    const fresh: DeployFacts = {
      ...running,
      ...{ currentTag: null, imageSource: 'build', missingBaseImages: ['POSTGRES_IMAGE'] },
      ...{ containers: [], schema: null },
    };
    expect(ids(fresh)).to.deep.equal([
      ...['base-images', 'build', 'ask', 'data', 'wal', 'dump', 'migrate'],
      ...['beside', 'switch', 'worker', 'settle', 'check', 'record'],
    ]);
  });

  it('starts certbot beside the data services where it does not run and no CA is to be asked', () => {
    const fresh: DeployFacts = { ...running, currentTag: null, containers: [], schema: null };
    const others = { ...running, containers: running.containers.filter((one) => one.service !== 'postgres') };
    expect(labelOf(fresh, 'data')).to.equal('postgres, both Redis, certbot up and healthy');
    expect(earlyServices({ ...fresh, certificate: 'for example.org' })).to.not.include('certbot');
    expect(labelOf(others, 'data')).to.equal('postgres, both Redis up and healthy');
  });

  it('only checks when everything already runs as wanted', () => {
    expect(ids(running)).to.deep.equal(['check']);
  });

  it('switches at once when no migration is pending and the data services are as wanted', () => {
    expect(ids(next)).to.deep.equal(['point', ...SWITCH]);
  });

  it('dumps and migrates before the new api when migrations are pending, naming them', () => {
    const facts = { ...next, schema: schema(['1', '2', '3!'], ['1']) };
    expect(ids(facts)).to.deep.equal(['point', 'dump', 'migrate', ...SWITCH]);
    expect(labelOf(facts, 'migrate')).to.contain('2, 3 (marked breaking)').and.contain('until the switch');
  });

  it('goes back without touching the schema, and says what stays', () => {
    const facts = { ...next, schema: schema(['1'], ['1', '2']) };
    expect(ids(facts)).to.deep.equal(['point', ...SWITCH]);
    expect(describeAhead(facts)).to.contain('keeps 2');
  });

  it('SCHEMA=down: undone when the older api is ready, right before the switch', () => {
    const facts: DeployFacts = {
      ...next,
      schema: schema(['1'], ['1', '2', '3!']),
      schemaChoice: 'down',
      newerTag: 'v2',
    };
    expect(ids(facts)).to.deep.equal(['point', 'beside', 'down', ...SWITCH.slice(1)]);
    expect(labelOf(facts, 'down')).to.equal('undo migrations with v2: 3, 2');
  });

  it('SCHEMA=restore: the dump before anything else, saying that the site is down meanwhile', () => {
    const facts: DeployFacts = {
      ...next,
      ...{ schema: schema(['1'], ['1', '2!']), schemaChoice: 'restore', dumpId: 'd1' },
    };
    expect(ids(facts)).to.deep.equal(['point', 'restore', ...SWITCH]);
    expect(labelOf(facts, 'restore')).to.contain('d1').and.contain('site is down');
  });

  it('says what is cut where nginx itself or a data service must be replaced', () => {
    const hashes = { ...next.configHashes, nginx: 'other', postgres: 'other' };
    const facts = { ...next, configHashes: hashes };
    expect(labelOf(facts, 'switch')).to.contain('open connections are cut');
    expect(labelOf(facts, 'data')).to.contain('postgres replaced: requests may fail');
    expect(labelOf(next, 'switch')).to.not.contain('cut');
  });

  it('finishes what a killed deploy left: an old container beside the new one', () => {
    const leftover = container('api', { name: 'atlas-api-2', configHash: 'old' });
    const killed = { ...running, containers: [...running.containers, leftover] };
    expect(ids(killed)).to.include.members(['beside', 'switch', 'drain']);
  });

  it('follows API_REPLICAS up and down', () => {
    expect(ids({ ...running, replicas: 2 })).to.include.members(['beside', 'switch']);
    const two = [...running.containers, container('api', { name: 'atlas-api-2' })];
    expect(ids({ ...running, replicas: 2, containers: two })).to.deep.equal(['check']);
    expect(ids({ ...running, containers: two })).to.include.members(['beside', 'switch', 'drain']);
  });

  it('pulls a release that is not here, asks it, and never builds it from the checkout', () => {
    const facts: DeployFacts = { ...next, imageSource: 'pull', schema: null };
    expect(ids(facts)).to.deep.equal(['pull', 'ask', 'point', 'dump', 'migrate', ...SWITCH]);
    expect(labelOf(facts, 'migrate')).to.contain('if any are pending');
  });

  it('reloads nginx when only its configuration changed', () => {
    expect(ids({ ...running, nginxConfigChanged: true })).to.deep.equal(['nginx', 'check']);
  });

  it('takes a base backup when none leads into the WAL that is received, after the release serves', () => {
    expect(ids({ ...running, needsBase: true })).to.deep.equal(['check', 'base']);
    expect(ids({ ...next, needsBase: true }).at(-1)).to.equal('base');
  });

  it('removes old images last', () => {
    expect(ids({ ...next, prunable: ['v0'] }).at(-1)).to.equal('prune');
  });
});

describe('findSchemaConflict', () => {
  const marked = { ...next, schema: schema(['1'], ['1', '2', '3!']) };

  it('refuses a rollback across a marked migration until it is told what to do', () => {
    expect(findSchemaConflict(marked)).to.contain('v3 cannot live with 3 (marked breaking)');
    expect(findSchemaConflict({ ...marked, schemaChoice: 'down', newerTag: 'v2' })).to.equal(null);
    expect(findSchemaConflict({ ...marked, schemaChoice: 'restore', dumpId: 'd' })).to.equal(null);
  });

  it('refuses to undo what no image here knows', () => {
    expect(findSchemaConflict({ ...marked, schemaChoice: 'down' })).to.contain(
      'no image on this server knows',
    );
  });

  it('refuses to restore without a dump', () => {
    expect(findSchemaConflict({ ...marked, schemaChoice: 'restore' })).to.contain('no dump from before 2');
  });

  it('lets unmarked migrations pass', () => {
    expect(findSchemaConflict({ ...next, schema: schema(['1'], ['1', '2']) })).to.equal(null);
  });
});

describe('isUpToDate', () => {
  it('is false for a missing, unhealthy, failed or differently configured service', () => {
    expect(isUpToDate(running)).to.equal(true);
    expect(isUpToDate({ ...running, containers: running.containers.slice(1) }), 'missing').to.equal(false);
    expect(isUpToDate({ ...running, containers: withContainer('api', { health: 'unhealthy' }) })).to.equal(
      false,
    );
    expect(isUpToDate({ ...running, containers: withContainer('migrate', { exitCode: 1 }) })).to.equal(false);
    expect(isUpToDate({ ...running, containers: withContainer('nginx', { configHash: 'old' }) })).to.equal(
      false,
    );
  });

  it('is false when a tag now names another image than the container runs', () => {
    expect(isUpToDate({ ...running, imageIds: { 'image-postgres': 'id-rebuilt' } })).to.equal(false);
  });
});
