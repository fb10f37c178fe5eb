import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { execa } from 'execa';

const checkout = path.resolve(import.meta.dirname, '../../..');
const SECRET = 'https://hooks.example/T0-very-secret';

describe('env-import', function () {
  this.timeout(60_000);
  let root: string;
  const env = () => path.join(root, '.env');
  const importLines = (input: string) =>
    execa(process.execPath, ['--import', 'tsx', path.join(checkout, 'ops/src/main.ts'), 'env-import'], {
      cwd: checkout,
      env: { OPS_ROOT: root },
      input,
      reject: false,
    });

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'atlas-env-'));
    cpSync(path.join(checkout, '.env.example'), path.join(root, '.env.example'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('writes .env for its owner alone, with names on stdout and values nowhere', async () => {
    const first = await importLines(`DOMAIN=example.org\nALERT_URL=${SECRET}\n`);
    expect(first.exitCode, first.stderr).to.equal(0);
    expect(first.stdout).to.equal('DOMAIN\nALERT_URL');
    const made = parse(readFileSync(env()));
    expect(made.ALERT_URL).to.equal(SECRET);
    expect(made.SESSION_SECRET).to.match(/^[\w-]{43}$/);
    writeFileSync(env(), `# mine\n${readFileSync(env(), 'utf8')}`, { mode: 0o644 });
    const second = await importLines(`ALERT_URL=${SECRET}-2\nDOMAIN=example.org\n`);
    expect(second.stdout).to.equal('ALERT_URL');
    expect(parse(readFileSync(env()))).to.deep.equal({ ...made, ALERT_URL: `${SECRET}-2` });
    expect(readFileSync(env(), 'utf8')).to.match(/^# mine\n/);
    expect(statSync(env()).mode & 0o777).to.equal(0o600);
    expect(readdirSync(root).sort()).to.deep.equal(['.atlas', '.env', '.env.example']);
    for (const { stdout, stderr } of [first, second]) expect(stdout + stderr).to.not.contain('very-secret');
  });

  // Mutation (not tried): the check for problems after writeEnvText.
  it('writes nothing at all when one line is wrong', async () => {
    await importLines('DOMAIN=example.org\n');
    const before = readFileSync(env(), 'utf8');
    const { exitCode, stderr } = await importLines(
      `LOG_LEVEL=debug\nALERT_URL=very-secret\nNOPE=very-secret\n`,
    );
    expect(exitCode).to.equal(2);
    expect(stderr).to.contain('ALERT_URL: expected a URL').and.contain('line 3: NOPE: unknown key');
    expect(stderr).to.contain('nothing was changed').and.not.contain('very-secret');
    expect(readFileSync(env(), 'utf8')).to.equal(before);
  });
});
