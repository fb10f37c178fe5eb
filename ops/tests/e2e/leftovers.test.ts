import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { output } from './images/containers.ts';
import { CLONE_PREFIX, own, ownerLabel, removeLeftovers } from './leftovers.ts';
import { stack } from './stack.ts';

describe('what a run of tests that was killed leaves behind', () => {
  const created: string[] = [];

  /** A container, a volume and a network of a project that was deployed from a clone. */
  async function deploy(owner: 'nobody' | 'ended' | 'this' | 'no clone') {
    const clone = mkdtempSync(CLONE_PREFIX);
    const project = `atlas-left-${randomBytes(3).toString('hex')}`;
    created.push(project);
    mkdirSync(path.join(clone, '.git'));
    const module = JSON.stringify(path.join(import.meta.dirname, 'leftovers.ts'));
    if (owner === 'ended')
      await execa(process.execPath, [
        ...['--import', 'tsx', '--input-type=module', '--eval'],
        `const { own } = await import(${module}); own(${JSON.stringify(clone)});`,
      ]);
    if (owner === 'this') own(clone);
    if (owner === 'no clone') rmSync(clone, { recursive: true });
    const label = ['--label', `com.docker.compose.project=${project}`];
    const files = ['--label', `com.docker.compose.project.config_files=${clone}/compose/data.yml`];
    await output('volume', 'create', ...label, project);
    await output('network', 'create', ...label, project);
    const image = stack().settings().REDIS_IMAGE ?? '';
    await output('create', '--name', project, '--network', project, ...label, ...files, image);
    return { clone, project };
  }

  /** A container with a volume and a network, all of no project. */
  async function start(owner: string[]) {
    const name = `atlas-left-${randomBytes(3).toString('hex')}`;
    created.push(name);
    await output('network', 'create', ...owner, name);
    const mount = ['--volume', `${name}:/kept`, '--network', name];
    await output('create', '--name', name, ...mount, ...owner, stack().settings().REDIS_IMAGE ?? '');
    return name;
  }

  const count = async (name: string) => {
    const kinds = ['container', 'volume', 'network'];
    const found = await Promise.all(
      kinds.map((kind) => execa('docker', [kind, 'inspect', name], { reject: false })),
    );
    return found.filter(({ exitCode }) => exitCode === 0).length;
  };

  const exists = async (project: string) => {
    const format = ['--filter', `label=com.docker.compose.project=${project}`, '--quiet'];
    const kinds = [
      ['container', 'ls', '--all'],
      ['volume', 'ls'],
      ['network', 'ls'],
    ];
    const found = await Promise.all(kinds.map((kind) => output(...kind, ...format)));
    return found.filter(Boolean).length;
  };

  after(async () => {
    for (const project of created) {
      await execa('docker', ['rm', '--force', project], { reject: false });
      await execa('docker', ['volume', 'rm', '--force', project], { reject: false });
      await execa('docker', ['network', 'rm', project], { reject: false });
    }
  });

  it('is removed by the next one; what a living run or a person uses is not', async function () {
    this.timeout(60_000);
    const ended = await deploy('ended');
    const lost = await deploy('no clone');
    const living = await deploy('this');
    const kept = await deploy('nobody');
    try {
      const removed = await removeLeftovers();
      expect(removed).to.include.members([ended.project, lost.project]);
      expect(removed).not.to.include.members([living.project]).and.not.to.include(kept.project);
      expect(removed).not.to.include(stack().project);
      expect(await exists(ended.project)).to.equal(0);
      expect(existsSync(ended.clone)).to.equal(false);
      expect(await exists(lost.project)).to.equal(0);
      expect(await exists(living.project)).to.equal(3);
      expect(await exists(kept.project)).to.equal(3);
    } finally {
      for (const { clone } of [living, kept]) rmSync(clone, { recursive: true });
    }
  });

  it('goes too where it has no project, by the process that its label names', async function () {
    this.timeout(60_000);
    const { stdout } = await execa(process.execPath, [
      ...['--import', 'tsx', '--input-type=module', '--eval'],
      `const { ownerLabel } = await import(${JSON.stringify(path.join(import.meta.dirname, 'leftovers.ts'))});
      console.log(ownerLabel()[0]);`,
    ]);
    const ended = await start([stdout]);
    const living = await start(ownerLabel());
    const kept = await start([]);
    expect(await removeLeftovers())
      .to.include(ended)
      .and.not.to.include.members([living, kept]);
    expect([await count(ended), await count(living), await count(kept)]).to.deep.equal([0, 3, 3]);
  });
});
