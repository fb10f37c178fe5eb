import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { attempt, formatCommand, run } from '../../src/host/exec.ts';
import { hashTree, writeAtomically } from '../../src/host/files.ts';
import { findPortHolder } from '../../src/host/ports.ts';
import { Failure } from '../../src/report/failure.ts';

describe('host', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-host-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('quotes a command so that it can be pasted', () => {
    expect(formatCommand('sh', ['-c', "echo 'a b' $HOME"])).to.equal(`sh -c 'echo '\\''a b'\\'' $HOME'`);
  });

  it('passes arguments as they are, never through a shell', async () => {
    expect(await run('printf', ['%s', '$(id); `id` && id'])).to.equal('$(id); `id` && id');
  });

  it('reports a failing command with its last lines, and a missing one as a failure', async () => {
    const failure = await run('sh', ['-c', 'echo why >&2; exit 7']).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Failure);
    expect((failure as Failure).details.log).to.equal('why');
    expect((await attempt('no-such-command-here', [])).exitCode).to.not.equal(0);
  });

  it('writes atomically with the mode asked for and leaves nothing beside it', async () => {
    const file = path.join(directory, '.env');
    await writeAtomically(file, 'A=1\n', 0o600);
    await writeAtomically(file, 'A=2\n', 0o600);
    expect(readFileSync(file, 'utf8')).to.equal('A=2\n');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(directory)).to.deep.equal(['.env']);
  });

  it('hashes a tree by names and contents, not by tests, builds or dependencies', async () => {
    mkdirSync(path.join(directory, 'src/tests'), { recursive: true });
    writeFileSync(path.join(directory, 'src/a.ts'), 'a');
    const before = await hashTree(directory, ['src']);
    writeFileSync(path.join(directory, 'src/tests/a.test.ts'), 'test');
    expect(await hashTree(directory, ['src'])).to.equal(before);
    writeFileSync(path.join(directory, 'src/a.ts'), 'b');
    expect(await hashTree(directory, ['src'])).to.not.equal(before);
  });

  it('names the process that holds a port, and finds a free one free', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const portNumber = typeof address === 'object' && address ? address.port : 0;
    expect(await findPortHolder(portNumber)).to.contain(`pid ${process.pid}`);
    await new Promise((resolve) => server.close(resolve));
    expect(await findPortHolder(portNumber)).to.equal(null);
  });
});
