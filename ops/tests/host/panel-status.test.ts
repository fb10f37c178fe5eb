import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const source = path.resolve(import.meta.dirname, '../../src/host/panel-status.ts');
/** As a verb would call it on a server on which nginx does not run, under the umask of a careful root. */
const SCRIPT = `process.umask(0o077);
  const { writePanelStatus } = await import(${JSON.stringify(source)});
  await writePanelStatus({ port: 1, name: 'localhost' });`;

describe('the status file of the panel', () => {
  let root: string;
  const write = () =>
    execa('node', ['--import', 'tsx', '--input-type=module', '-e', SCRIPT], { env: { OPS_ROOT: root } });
  const mode = (...names: string[]) => statSync(path.join(root, '.atlas/panel', ...names)).mode & 0o777;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'atlas-panel-'));
    mkdirSync(path.join(root, '.atlas'), { mode: 0o700 });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  // Mutation tried: no chmod; under that umask the api's user could read neither.
  it('is readable for the api’s user, whole, and alone in its directory', async () => {
    const release = {
      what: 'deploy',
      tag: 'v1',
      result: 'done',
      started: '2026-01-02T03:04:05Z',
      seconds: 4,
      by: 'ada',
    };
    writeFileSync(
      path.join(root, '.atlas/ledger.jsonl'),
      `${JSON.stringify({ ...release, imageId: 'x' })}\n{"what":`,
    );
    await write();
    await write();
    expect([mode(), mode('status.json')]).to.deep.equal([0o755, 0o644]);
    expect(readdirSync(path.join(root, '.atlas/panel'))).to.deep.equal(['status.json']);
    const status = JSON.parse(readFileSync(path.join(root, '.atlas/panel/status.json'), 'utf8'));
    expect(status.releases).to.deep.equal([release]);
    expect(status).to.include({ certificate: null, backup: null, drill: null });
    expect(status.disk.totalBytes).to.be.above(status.disk.freeBytes);
    expect(Date.now() - Date.parse(status.writtenAt)).to.be.within(0, 60_000);
  });

  it('stops no verb when it cannot be written', async () => {
    writeFileSync(path.join(root, '.atlas/panel'), 'in the way');
    expect((await write()).exitCode).to.equal(0);
  });
});
