// Each guarantee was broken once in the code and seen to fail here; what was broken stands beside the test.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { renderCron } from '../../src/plan/cron.ts';
import { waitFor } from './client.ts';
import { stack } from './stack.ts';

const fileOf = (project: string) => path.join('/etc/cron.d', project);
const cronRuns = () => {
  const pid = existsSync('/run/crond.pid') ? readFileSync('/run/crond.pid', 'utf8').trim() : '';
  return pid !== '' && existsSync(`/proc/${pid}`);
};

describe('make cron', function () {
  this.timeout(300_000);
  let file: string;
  /** The test's own file, in which the job is due each minute. */
  let soon: string;

  before(function () {
    if (process.getuid?.() !== 0) return this.skip();
    file = fileOf(stack().project);
    soon = fileOf(`${stack().project}-soon`);
    stack().set({ CRON: 'on' });
  });

  after(() => {
    if (!file) return;
    stack().set({ CRON: 'off' });
    for (const name of ['', '-soon', '-renamed'])
      rmSync(fileOf(`${stack().project}${name}`), { force: true });
  });

  it('gives its jobs to a cron that runs, and says when in which time zone', async () => {
    const { exitCode, stdout, stderr } = await stack().make('cron');
    expect(exitCode, stderr).to.equal(0);
    expect(stderr).to.contain(`wrote ${file}`);
    expect(stdout)
      .to.match(/^backup +every night at 03:\d\d \S+ \(host time\) +has not run yet$/m)
      .and.match(/^base +every night at 0[34]:\d\d \S+ \(host time\) +has not run yet$/m)
      .and.match(/^drill +on Sundays at 05:\d\d \S+ \(host time\) +has not run yet$/m)
      .and.match(/^health +every 30 seconds +has not run yet$/m);
    expect(statSync(file).mode & 0o777).to.equal(0o644);
    expect(cronRuns()).to.equal(true);
  });

  // Mutation: the comparison of what is there with what is wanted taken away.
  it('changes nothing when all is as it should be', async () => {
    const before = statSync(file, { bigint: true });
    const { exitCode, stderr } = await stack().make('cron');
    expect(exitCode).to.equal(0);
    expect(stderr.trim()).to.equal(`${file} is as it should be already`);
    expect(statSync(file, { bigint: true })).to.include({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  // Mutation: without the removal of former files.
  it('follows a project that is renamed', async () => {
    const { make, project } = stack();
    const renamed = fileOf(`${project}-renamed`);
    const there = await make('cron', {}, { COMPOSE_PROJECT_NAME: `${project}-renamed` });
    expect(there.stderr).to.contain(`removed ${file}, which was for this directory too`);
    expect([existsSync(file), existsSync(renamed)]).to.deep.equal([false, true]);
    await make('cron');
    expect([existsSync(file), existsSync(renamed)]).to.deep.equal([true, false]);
  });

  // Mutation: another script in the file than the one that is there (without the escape of %: tests/plan/cron.test.ts).
  it('cron finds a checkout whose name it and the shell would read otherwise', async () => {
    const above = mkdtempSync(path.join(tmpdir(), 'atlas-odd-'));
    const root = path.join(above, "my app, 100% it's");
    mkdirSync(path.join(root, 'ops'), { recursive: true });
    cpSync(path.join(stack().directory, 'ops/cron.sh'), path.join(root, 'ops/cron.sh'));
    writeFileSync(path.join(root, 'ops/atlas'), '#!/bin/bash\n', { mode: 0o755 });
    const text = renderCron({ project: 'odd', root, directories: [] })
      .replaceAll(/^.* (drill|health)$/gm, '')
      .replace(/^(\S+ ){5}(?=root )/m, '* * * * * ');
    try {
      writeFileSync(soon, text, { mode: 0o644 });
      await waitFor(
        'cron to run the backup',
        async () => existsSync(path.join(root, '.atlas/log/backup.last')),
        (isThere) => isThere,
        150,
      );
    } finally {
      rmSync(soon);
      rmSync(above, { recursive: true });
    }
  });

  // Mutation: the same.
  it('cron itself runs what the file says, and the backup is there', async () => {
    const { directory, make, sh } = stack();
    const lines = readFileSync(file, 'utf8').split('\n');
    const shared = lines.filter((line) => !/ root /.test(line));
    const job = lines.find((line) => line.endsWith(' backup')) ?? '';
    const last = path.join(directory, '.atlas/log/backup.last');
    writeFileSync(soon, [...shared, job.replace(/^(\S+ ){5}/, '* * * * * '), ''].join('\n'), { mode: 0o644 });
    // cron looks at its files at the start of each minute; a backup takes seconds.
    await waitFor(
      'cron to run the backup',
      async () => existsSync(last),
      (isThere) => isThere,
      150,
    );
    rmSync(soon);
    const log = readFileSync(path.join(directory, '.atlas/log/cron.log'), 'utf8');
    expect(readFileSync(last, 'utf8'), log).to.match(/Z exit 0\n$/);
    const [, id = ''] = /^(\d{8}T\d{6}Z-nightly)$/m.exec(log) ?? [];
    expect(existsSync(path.join(directory, 'backups', id, 'manifest.json')), log).to.equal(true);
    expect((await make('cron')).stdout).to.match(/^backup .* last ended \S+Z, exit 0$/m);
    expect((await sh('stat', '-c', '%a', '.atlas/log/cron.log')).stdout).to.equal('600');
  });

  // Mutation: keepCron taken out of deploy.
  it('a deploy does it too, not one that only shows its plan', async () => {
    const { make, settings } = stack();
    expect((await make('cron', { REMOVE: '1' })).stderr).to.contain(`removed ${file}`);
    expect(existsSync(file)).to.equal(false);
    const again = await make('cron', { REMOVE: '1' });
    expect([again.exitCode, again.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && text.includes('no jobs of this directory already'),
    );
    await make('deploy', { TAG: settings().IMAGE_TAG ?? '', DRY_RUN: '1' });
    expect(existsSync(file)).to.equal(false);
    const deployed = await make('deploy', { TAG: settings().IMAGE_TAG ?? '' });
    expect(deployed.exitCode, deployed.stderr).to.equal(0);
    expect(existsSync(file), deployed.stderr).to.equal(true);
  });

  // Mutation: the deploy without its catch.
  it('a deploy that cannot do it is a good deploy with a note', async () => {
    const { make, settings } = stack();
    writeFileSync(file, '# somebody else\n');
    const deployed = await make('deploy', { TAG: settings().IMAGE_TAG ?? '' });
    expect(deployed.exitCode, deployed.stderr).to.equal(0);
    expect(deployed.stderr).to.contain(`note: the nightly jobs are not installed: ${file} is there already`);
    expect(readFileSync(file, 'utf8')).to.equal('# somebody else\n');
    expect((await make('cron', { REMOVE: '1' })).exitCode).to.equal(0);
    expect(existsSync(file), 'removed a file that is not ours').to.equal(true);
    rmSync(file);
  });

  it('CRON=off takes the jobs away and keeps them away', async () => {
    const { make, set, settings } = stack();
    expect((await make('cron')).exitCode).to.equal(0);
    set({ CRON: 'off' });
    const deployed = await make('deploy', { TAG: settings().IMAGE_TAG ?? '' });
    expect(deployed.stderr).to.contain(`removed ${file}`);
    expect(existsSync(file)).to.equal(false);
    expect((await make('cron')).stderr).to.contain('CRON=off in .env');
    expect(existsSync(file)).to.equal(false);
  });
});
