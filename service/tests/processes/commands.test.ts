import { expect } from 'chai';
import { createDatabase, createEmptyDatabase, freePort } from '../backends/index.ts';
import { runRole } from '../support/process.ts';

describe('roles on the command line', () => {
  it('migrate list, up, list --json and down go by what is in the database', async () => {
    const env = { DATABASE_URL: await createEmptyDatabase() };
    const list = async () => JSON.parse((await runRole(['migrate', 'list', '--json'], env)).stdout);
    const pending = await list();
    expect(pending[0]).to.deep.equal({ name: '20261124000001_init', applied: false, known: true });
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

  it('token create prints the token alone on stdout, and it works', async () => {
    const { url, db } = await createDatabase();
    const { code, stdout, stderr } = await runRole(['token', 'create', 'my script'], { DATABASE_URL: url });
    expect([code, /^atlas_[\w-]{43}\n$/.test(stdout)]).to.deep.equal([0, true]);
    expect(stderr).to.contain('my script').and.not.contain(stdout.trim());
    expect(await db('api_tokens').pluck('name')).to.deep.equal(['my script']);
    await db.destroy();
  });

  it('answers 2 to words and variables that it does not know', async () => {
    for (const args of [['nonsense'], ['migrate', 'sideways'], ['token', 'create'], ['config'], ['api']]) {
      const { code, stdout, stderr } = await runRole(args, { ATLAS_TYPO: 's3cret' });
      expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
      expect(stderr)
        .to.match(/usage|expected|ATLAS_TYPO/)
        .and.not.contain('s3cret')
        .and.not.contain('    at ');
    }
  });

  it('health answers 1 when nobody listens', async () => {
    const { code, stderr } = await runRole(['health'], { PORT: String(await freePort()) });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^not ready: .*ECONNREFUSED/);
  });
});
