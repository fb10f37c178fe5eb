import { join } from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { migrateUp } from '../../src/db/migrator.ts';
import { migrations } from '../../src/migrations/index.ts';
import { createDatabase, createEmptyDatabase } from '../backends/index.ts';
import { runRole } from '../support/process.ts';

describe('roles on the command line', () => {
  it('migrate list, up, list --json and down go by what is in the database', async () => {
    const env = { DATABASE_URL: await createEmptyDatabase() };
    const list = async () => JSON.parse((await runRole(['migrate', 'list', '--json'], env)).stdout);
    const pending = await list();
    expect(pending[0]).to.deep.equal({
      ...{ name: '20261124000001_init', applied: false },
      ...{ known: true, breaking: false },
    });
    const up = await runRole(['migrate'], env);
    expect([up.code, up.stdout.split('\n')[0]]).to.deep.equal([0, 'applied 20261124000001_init']);
    expect((await list()).every(({ applied }: { applied: boolean }) => applied)).to.equal(true);
    const down = await runRole(['migrate', 'down', '--to', '20261124000001_init'], env);
    expect(down.code).to.equal(0);
    expect((await list()).filter(({ applied }: { applied: boolean }) => applied)).to.have.lengthOf(1);
    const wrong = await runRole(['migrate', 'down', '--to', 'nonsense'], env);
    expect([wrong.code, wrong.stdout]).to.deep.equal([1, '']);
    expect(wrong.stderr).to.contain('nonsense is not applied');
  });

  it('migrate list says what a newer release has left behind', async () => {
    const { url, db } = await createDatabase();
    const nothing = async () => {};
    const newer = { up: nothing, down: nothing, config: { breaking: true } };
    await migrateUp(db, new Map([...migrations, ['99991231000000_newer', newer]]));
    await db.destroy();
    const lines = (await runRole(['migrate', 'list'], { DATABASE_URL: url })).stdout.trim().split('\n');
    expect(lines.at(0)).to.equal('applied  20261124000001_init');
    expect(lines.at(-1)).to.equal('applied  99991231000000_newer  (not in this image, breaking)');
  });

  describe('preflight', () => {
    const env = {
      DATABASE_URL: 'postgres://atlas:s3cret@127.0.0.1:1/atlas',
      REDIS_CACHE_URL: 'redis://127.0.0.1:1',
      REDIS_QUEUE_URL: 'redis://127.0.0.1:1',
      SESSION_SECRET: 'x'.repeat(32),
    };

    it('prints what the image would migrate, where no backend answers', async () => {
      const { code, stdout, stderr } = await runRole(['preflight'], env);
      expect([code, stderr]).to.deep.equal([0, '']);
      expect(stdout.split('\n')).to.have.lengthOf(2);
      const known = [...migrations.keys()].map((name) => ({ name, breaking: false }));
      expect(JSON.parse(stdout)).to.deep.equal({ migrations: known });
    });

    it('names every bad variable of every role once, and no value', async () => {
      const { REDIS_QUEUE_URL, ...rest } = env;
      const bad = {
        ...rest,
        DATABASE_URL: 'mysql://s3cret',
        LOCK_TIMEOUT_SECONDS: '0',
        ATLAS_TYPO: 's3cret',
      };
      const { code, stdout, stderr } = await runRole(['preflight'], bad);
      expect([code, stdout]).to.deep.equal([2, '']);
      // DATABASE_URL comes three times without the set in checkContainerConfig, and LOCK_TIMEOUT_SECONDS not at
      // all when only the api's needs are checked (tried both).
      expect(stderr.trim().split('\n')).to.deep.equal([
        'bad configuration:',
        '  DATABASE_URL: malformed; expected postgres://user:password@host:port/database',
        '  REDIS_QUEUE_URL: missing; expected redis://:password@host:port',
        '  ATLAS_TYPO: unknown; no ATLAS_* variable is read, remove it',
        '  LOCK_TIMEOUT_SECONDS: malformed; expected a whole number of seconds, 1 to 3600',
      ]);
    });

    it('loads nothing but the schema of the configuration, so that it is fast', async () => {
      const { metafile } = await build({
        entryPoints: [join(import.meta.dirname, '../../src/preflight.ts')],
        ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external' },
        ...{ write: false, metafile: true },
      });
      const needed = Object.values(metafile.outputs).flatMap(({ imports }) =>
        imports.map(({ path }) => path),
      );
      // Fails when a migration imports more of knex than its types (tried).
      expect(needed).to.deep.equal(['zod']);
    });
  });

  it('token create prints the token alone on stdout, and it works', async () => {
    const { url, db } = await createDatabase();
    const { code, stdout, stderr } = await runRole(['token', 'create', 'my script'], { DATABASE_URL: url });
    expect([code, /^atlas_[\w-]{43}\n$/.test(stdout)]).to.deep.equal([0, true]);
    expect(stderr).to.contain('my script').and.not.contain(stdout.trim());
    expect(await db('api_tokens').pluck('name')).to.deep.equal(['my script']);
    await db.destroy();
  });

  it('token list shows what there is, token revoke ends one by id, or by a name that is unique', async () => {
    const { url, db } = await createDatabase();
    const token = (...args: string[]) => runRole(['token', ...args], { DATABASE_URL: url });
    await token('create', 'app', '--scope', 'read', '--days', '30');
    await token('create', 'app', '--days', '0');
    const listed = await token('list');
    expect(listed.stdout)
      .to.match(/^2 +live +write .* never +never +app$/m)
      .and.match(/^1 +live +read /m);
    const several = await token('revoke', 'app');
    expect([several.code, several.stderr]).to.deep.equal([
      1,
      'several tokens are called "app" (ids 2, 1); nothing changed, name one by id\n',
    ]);
    expect((await token('revoke', '2')).code).to.equal(0);
    expect((await token('revoke', 'app')).code).to.equal(0);
    expect((await token('revoke', 'app')).code).to.equal(1);
    const states = JSON.parse((await token('list', '--json')).stdout);
    expect(states.map(({ state }: { state: string }) => state)).to.deep.equal(['revoked', 'revoked']);
    await db.destroy();
  });

  it('answers 2 to words and variables that it does not know', async () => {
    for (const args of [
      ['nonsense'],
      ['migrate', 'sideways'],
      ['token', 'create'],
      ['token', 'create', 'x', '--scope', 'admin'],
      ['config'],
      ['preflight', 'x'],
      ['api'],
    ]) {
      const { code, stdout, stderr } = await runRole(args, { ATLAS_TYPO: 's3cret' });
      expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
      expect(stderr)
        .to.match(/usage|expected|ATLAS_TYPO/)
        .and.not.contain('s3cret')
        .and.not.contain('    at ');
    }
  });

  it('compile loads every role without a configuration, and leaves nothing running', async () => {
    // Hangs when a role opens something at import, fails when one reads its configuration there (tried both).
    expect(await runRole(['compile'], {})).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });
});
