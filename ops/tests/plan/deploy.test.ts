import { expect } from 'chai';
import { type Container, SERVICES } from '../../src/plan/containers.ts';
import { type DeployFacts, isUpToDate, planDeploy } from '../../src/plan/deploy.ts';

const container = (service: string, changes: Partial<Container> = {}): Container => ({
  name: `atlas-${service}-1`,
  service,
  configHash: `hash-${service}`,
  image: `image-${service}`,
  imageId: `id-${service}`,
  status: service === 'migrate' ? 'exited' : 'running',
  health: service === 'migrate' ? null : 'healthy',
  exitCode: 0,
  restarts: 0,
  startedAt: '2026-11-24T00:00:00Z',
  addresses: [],
  ...changes,
});

const running: DeployFacts = {
  tag: 'v2',
  currentTag: 'v2',
  imageSource: 'present',
  missingBaseImages: [],
  buildBaseImages: false,
  containers: SERVICES.map((service) => container(service)),
  configHashes: Object.fromEntries(SERVICES.map((service) => [service, `hash-${service}`])),
  imageIds: {},
  nginxConfigChanged: false,
};
const ids = (facts: DeployFacts) => planDeploy(facts).map((step) => step.id);
const withContainer = (service: string, changes: Partial<Container>) =>
  running.containers.map((one) => (one.service === service ? { ...one, ...changes } : one));

describe('planDeploy', () => {
  it('on a fresh machine builds everything, migrates before anything serves, and records last', () => {
    const fresh: DeployFacts = {
      ...running,
      currentTag: null,
      imageSource: 'build',
      missingBaseImages: ['POSTGRES_IMAGE'],
      containers: [],
    };
    expect(ids(fresh)).to.deep.equal(['base-images', 'build', 'data', 'migrate', 'up', 'check', 'record']);
  });

  it('only checks when everything already runs as wanted', () => {
    expect(ids(running)).to.deep.equal(['check']);
  });

  it('migrates before it replaces when the release changes', () => {
    const changed = { ...running, tag: 'v3', configHashes: { ...running.configHashes, api: 'other' } };
    expect(ids(changed)).to.deep.equal(['data', 'migrate', 'up', 'check', 'record']);
  });

  it('pulls a release that is not here, and never builds it from the checkout', () => {
    expect(ids({ ...running, tag: 'v3', imageSource: 'pull' }))
      .to.include('pull')
      .and.not.include('build');
  });

  it('reloads nginx when only its configuration changed', () => {
    expect(ids({ ...running, nginxConfigChanged: true })).to.deep.equal(['nginx', 'check']);
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
