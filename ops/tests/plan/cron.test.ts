import { expect } from 'chai';
import { planCron, refuseRoot, renderCron, rootOf } from '../../src/plan/cron.ts';

const facts = { project: 'sevra-atlas', root: '/srv/atlas', directories: [] };
const jobLines = (text: string) => text.split('\n').filter((line) => / root /.test(line));

describe('planCron', () => {
  it('has a backup and a base backup each night, a drill each week and health twice a minute', () => {
    const minute = [...'sevra-atlas'].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 60;
    expect(
      planCron('sevra-atlas').map(({ job, time, seconds }) => `${job} ${time} +${seconds}`),
    ).to.deep.equal([
      `backup ${minute} 3 * * * +0`,
      `base ${(minute + 30) % 60} ${minute < 30 ? 3 : 4} * * * +0`,
      `base-due ${minute % 5}-59/5 * * * * +0`,
      `drill ${minute} 5 * * 0 +0`,
      'offsite * * * * * +0',
      'health * * * * * +0,30',
    ]);
  });

  it('gives the stacks of one machine minutes of their own', () => {
    const times = ['sevra-atlas', 'second', 'staging'].map((project) => planCron(project)[0]?.time);
    expect(new Set(times).size).to.equal(3);
  });
});

describe('renderCron', () => {
  it('is a whole file: shell, path, no mail, and one line for each job as root', () => {
    const text = renderCron(facts);
    expect(text).to.contain('\nSHELL=/bin/bash\n').and.contain('\nMAILTO=""\n');
    expect(text).to.contain('\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n');
    expect(text).to.not.contain('DOCKER_HOST');
    expect(jobLines(text)).to.have.length(7);
    for (const line of jobLines(text))
      expect(line).to.match(
        /^(\S+ ){5}root (sleep 30; )?'\/srv\/atlas\/ops\/cron\.sh' (backup|base|base-due|drill|health|offsite)$/,
      );
    expect(jobLines(text).at(-1)).to.match(/^\* \* \* \* \* root sleep 30; .* health$/);
    expect(text, 'cron passes over a last line without an end').to.match(/\n$/);
  });

  it('looks first where the installing shell found node and docker, in each directory once', () => {
    const directories = ['/root/.nvm/versions/node/v24.9.0/bin', '/usr/bin'];
    expect(renderCron({ ...facts, directories })).to.contain(
      '\nPATH=/root/.nvm/versions/node/v24.9.0/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin\n',
    );
  });

  it('names the engine only where it is not the usual one', () => {
    const dockerHost = 'unix:///run/user/1000/docker.sock';
    expect(renderCron({ ...facts, dockerHost })).to.contain(`\nDOCKER_HOST=${dockerHost}\n`);
  });

  // Mutation: without the escape of %, and without the quotes.
  it('keeps spaces, quotes and percent signs of the directory for the shell and for cron', () => {
    const [line = ''] = jobLines(renderCron({ ...facts, root: "/srv/my app/100%/it's" }));
    expect(line).to.match(/ root '\/srv\/my app\/100\\%\/it'\\''s\/ops\/cron\.sh' backup$/);
  });

  it('refuses a directory that crontab(5) cannot name', () => {
    expect(refuseRoot('/srv/my app/100%')).to.equal(null);
    for (const root of ['/srv/a\nb', '/srv/a\\b']) expect(refuseRoot(root), root).to.be.a('string');
  });

  it('says whose it is, so that nothing but our own is ever changed', () => {
    expect(rootOf(renderCron({ ...facts, root: '/srv/my app' }))).to.equal('/srv/my app');
    expect(rootOf('# /etc/cron.d/certbot: crontab entries\n')).to.equal(null);
    expect(rootOf('')).to.equal(null);
  });
});
