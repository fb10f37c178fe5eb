import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findToolDirectories, listCronFiles, removeCronFile, writeCronFile } from '../../src/host/cron.ts';
import { renderCron } from '../../src/plan/cron.ts';
import { Failure } from '../../src/report/failure.ts';

describe('the files of /etc/cron.d', () => {
  let directory: string;
  const render = (project: string, root: string) => renderCron({ project, root, directories: [] });

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-cron-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('are found by their checkout, whatever the project was called then', async () => {
    writeFileSync(path.join(directory, 'certbot'), '# not ours\n');
    await writeCronFile({ name: 'other', text: render('other', '/srv/other') }, directory);
    await writeCronFile({ name: 'former', text: render('former', '/srv/atlas') }, directory);
    const found = await listCronFiles('/srv/atlas', directory);
    expect(found.map(({ name }) => name)).to.deep.equal(['former']);
    await removeCronFile('former', directory);
    expect(readdirSync(directory).sort()).to.deep.equal(['certbot', 'other']);
  });

  it('may be read by all and changed by root, whatever the umask: cron passes over others', async () => {
    const umask = process.umask(0o077);
    try {
      await writeCronFile({ name: 'atlas', text: render('atlas', '/srv/atlas') }, directory);
    } finally {
      process.umask(umask);
    }
    expect(statSync(path.join(directory, 'atlas')).mode & 0o777).to.equal(0o644);
  });

  it('go with a checkout that has moved', async () => {
    await writeCronFile({ name: 'atlas', text: render('atlas', '/srv/before') }, directory);
    await writeCronFile({ name: 'atlas', text: render('atlas', '/srv/after') }, directory);
    expect(await listCronFiles('/srv/before', directory)).to.deep.equal([]);
    expect(await listCronFiles('/srv/after', directory)).to.have.length(1);
  });

  // Mutation: without the look at what is there.
  it('of somebody else are never overwritten', async () => {
    const file = path.join(directory, 'certbot');
    writeFileSync(file, '# not ours\n');
    const error = await writeCronFile(
      { name: 'certbot', text: render('certbot', '/srv/atlas') },
      directory,
    ).then(
      () => null,
      (reason) => reason,
    );
    expect(error).to.be.instanceOf(Failure);
    expect(error.message).to.contain('has not written it');
    expect(readFileSync(file, 'utf8')).to.equal('# not ours\n');
  });
});

describe('findToolDirectories', () => {
  it('names where this very node lies', async () => {
    const [directory = ''] = await findToolDirectories();
    expect(existsSync(path.join(directory, 'node'))).to.equal(true);
  });
});
