import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findCompose } from '../../src/host/compose-plugin.ts';
import { run } from '../../src/host/exec.ts';
import { Failure } from '../../src/report/failure.ts';

describe('findCompose', () => {
  let directory: string;
  const install = async (name: string, mode = 0o755) => {
    const file = path.join(directory, name, 'docker-compose');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, mode);
    return file;
  };
  const find = () => findCompose(path.join(directory, 'config'), [path.join(directory, 'system')]);
  const byDocker = { file: 'docker', args: ['compose'] };

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'atlas-plugin-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('finds the plugin where docker would, the own one of a user first', async () => {
    const system = await install('system');
    expect(find()).to.deep.equal({ file: system, args: [] });
    const own = await install('config/cli-plugins');
    expect(find()).to.deep.equal({ file: own, args: [] });
  });

  it('asks docker when there is none, or none that can run', async () => {
    expect(find()).to.deep.equal(byDocker);
    await install('system', 0o644);
    expect(find()).to.deep.equal(byDocker);
  });

  it("asks docker when its configuration names more directories: which plugin wins is docker's to know", async () => {
    await install('system');
    await mkdir(path.join(directory, 'config'));
    await writeFile(path.join(directory, 'config/config.json'), '{"cliPluginsExtraDirs":["/elsewhere"]}');
    expect(find()).to.deep.equal(byDocker);
  });
});

describe('a command that is shown as another', () => {
  it('fails with the one that an operator can type', async () => {
    const failure = await run('/bin/false', ['x'], { shownAs: 'docker compose up' }).catch((error) => error);
    expect(failure).to.be.instanceOf(Failure);
    expect(failure.message).to.equal('docker compose exited with 1');
    expect(failure.details.command).to.equal('docker compose up');
  });
});
