import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { send, waitFor } from '../client.ts';
import { buildRelease, buildReleaseWith, type TestMigration } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { expectNoLoss, mustMake, servedRelease, underLoad } from './under-load.ts';

const expand: TestMigration = {
  name: '20991231000001_expand',
  up: 'alter table salons add column mood text',
  down: 'alter table salons drop column mood',
};
// What an api of this product does not read, so that the order of things alone is under test.
const contract: TestMigration = {
  name: '20991231000002_contract',
  up: 'create table contracted (id int)',
  down: 'drop table contracted',
  breaking: true,
};
const broken: TestMigration = {
  name: '20991231000003_broken',
  up: 'create table half (id int); select 1/0',
  down: 'select 1',
};
const blocked: TestMigration = {
  name: '20991231000004_blocked',
  up: 'alter table salons add column blocked text',
  down: 'alter table salons drop column blocked',
};

async function psql(query: string): Promise<string> {
  const outcome = await stack().sh('ops/atlas', 'psql', '--', '-Atqc', query);
  expect(outcome.exitCode, outcome.stderr).to.equal(0);
  return outcome.stdout.trim();
}

const applied = async () => (await psql('select name from knex_migrations order by 1')).split('\n');
const dumps = () =>
  readdirSync(path.join(stack().directory, 'backups')).filter((name) => /^2\d{7}T/.test(name));

describe('migrations under load', function () {
  this.timeout(900_000);
  let base = '';

  before(async () => {
    base = stack().settings().IMAGE_TAG ?? '';
    await buildReleaseWith(stack(), 'v2.1.0', [expand]);
    await buildReleaseWith(stack(), 'v2.2.0', [expand, contract]);
    await buildReleaseWith(stack(), 'v2.3.0-broken', [expand, broken]);
    await buildReleaseWith(stack(), 'v2.3.0-blocked', [expand, blocked]);
  });

  it('deploy with a migration, one that fails, one that waits for a lock, rollbacks: no request is lost', async () => {
    const { make, settings } = stack();
    const result = await underLoad(async () => {
      const before = dumps().length;
      const { stderr } = await mustMake('deploy', { TAG: 'v2.1.0' });
      expect(stderr).to.contain(`migrate the database with v2.1.0: ${expand.name}`);
      expect(await applied()).to.include(expand.name);
      expect(dumps(), 'a dump from before it').to.have.length(before + 1);

      const failed = await make('deploy', { TAG: 'v2.3.0-broken' });
      expect(failed.exitCode).to.not.equal(0);
      expect(failed.stderr).to.contain('the migration failed').and.contain('division by zero');
      expect(await applied()).to.not.include(broken.name);
      expect(await psql(`select to_regclass('half')`), 'nothing of it stays').to.equal('');

      // Somebody holds the table as long as the migration may wait, and requests go on behind it.
      const letGo = await holdSalons();
      const late = await make('deploy', { TAG: 'v2.3.0-blocked' }, { LOCK_TIMEOUT_SECONDS: '1' });
      expect(late.stderr).to.contain('waited too long for a lock');
      await letGo();
      expect(settings().IMAGE_TAG).to.equal('v2.1.0');

      await mustMake('rollback', { TAG: base });
      expect(await applied(), 'expanded schema stays').to.include(expand.name);
      await mustMake('deploy', { TAG: 'v2.1.0' });
    });
    expectNoLoss(result);
  });

  it('a rollback across a marked migration refuses, goes down with the newer image, and loses no request', async () => {
    const { make } = stack();
    const result = await underLoad(
      async () => {
        await mustMake('deploy', { TAG: 'v2.2.0' });
        const refused = await make('rollback', { TAG: 'v2.1.0' });
        expect(refused.exitCode).to.not.equal(0);
        expect(refused.stderr).to.contain(`v2.1.0 cannot live with ${contract.name} (marked breaking)`);
        expect(refused.stderr).to.contain('SCHEMA=down').and.contain('SCHEMA=restore');
        expect(await servedRelease()).to.equal('v2.2.0');
        const { stderr } = await mustMake('rollback', { TAG: 'v2.1.0', SCHEMA: 'down' });
        expect(stderr).to.contain(`undo migrations with v2.2.0: ${contract.name}`);
        expect(await applied())
          .to.include(expand.name)
          .and.not.include(contract.name);
        expect(await servedRelease()).to.equal('v2.1.0');
      },
      { slowUploads: 0 },
    );
    expectNoLoss(result);
  });

  it('SCHEMA=restore goes back to the dump, asks first, and keeps the database from before', async () => {
    const { make } = stack();
    const token = (await mustMake('token', { NAME: 'schema' })).stdout.trim();
    const create = async (name: string) =>
      (await send('POST', '/api/salons', { token, json: { name, city: 'Dump' } })).status;
    expect(await create('Before the dump')).to.equal(201);
    await mustMake('deploy', { TAG: 'v2.2.0' });
    expect(await create('After the dump')).to.equal(201);

    const unasked = await make('rollback', { TAG: 'v2.1.0', SCHEMA: 'restore' });
    expect(unasked.exitCode).to.not.equal(0);
    expect(unasked.stderr).to.contain('will be gone').and.contain('YES=1');
    await mustMake('rollback', { TAG: 'v2.1.0', SCHEMA: 'restore', YES: '1' });
    expect(await servedRelease()).to.equal('v2.1.0');
    expect(await applied()).to.not.include(contract.name);
    const names = (await psql(`select name from salons where city = 'Dump'`)).split('\n');
    expect(names).to.deep.equal(['Before the dump']);
    const kept = await psql(`select datname from pg_database where datname like 'atlas_before_%'`);
    expect(kept).to.match(/^atlas_before_/);
    const list = await send('GET', '/api/salons?city=Dump');
    expect(
      list.json().items?.map((one) => one.name),
      'no cache speaks of it',
    ).to.deep.equal(['Before the dump']);
  });

  it('a marked migration of a release that fails is undone with it', async () => {
    const { make } = stack();
    await buildRelease(stack(), 'v2.4.0-crashing', 'crashing', 'v2.2.0');
    const outcome = await make('deploy', { TAG: 'v2.4.0-crashing' });
    expect(outcome.exitCode).to.not.equal(0);
    expect(outcome.stderr).to.contain(`undo: database: undone: ${contract.name}`);
    expect(await applied()).to.not.include(contract.name);
    expect((await make('status')).exitCode, 'all is well').to.equal(0);
    // The one-shot of the failed release once stayed: `docker compose up -d` would have restarted api and worker.
    const again = { TAG: stack().settings().IMAGE_TAG ?? '', DRY_RUN: '1', KEEP_RELEASES: '100' };
    expect((await make('deploy', again)).stderr).to.match(
      /^plan: .*\n {2}- check https through nginx: .*\s*(?![\s\S])/m,
    );
  });
});

const HOLDER = 'atlas-test-holder';

/** Holds the table against any change of its shape, as a long report would. @returns what lets go of it */
async function holdSalons(): Promise<() => Promise<void>> {
  const superuser = ['exec', '--env', `PGAPPNAME=${HOLDER}`, `${stack().project}-postgres-1`];
  const psqlAs = (script: string) =>
    execa('docker', [...superuser, 'psql', '-U', 'postgres', '-d', 'atlas', '-Atqc', script], {
      reject: false,
    });
  const holding = psqlAs('begin; lock table salons in access share mode; select pg_sleep(300);');
  const sleeping = `select count(*) from pg_stat_activity where query like '%pg_sleep(300)%' and wait_event = 'PgSleep'`;
  await waitFor(
    'the lock',
    async () => (await psqlAs(sleeping)).stdout,
    (count) => count === '1',
    30,
  );
  return async () => {
    await psqlAs(`select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`);
    await holding;
  };
}
