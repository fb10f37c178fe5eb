// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { send } from '../client.ts';
import { buildReleaseWith } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { createSalonWithPhoto, expectWell, mustMake, readEvents, readManifest, sql } from './stack-data.ts';

const CITY = 'Restored';

const databases = () =>
  sql(`select datname from pg_database where datname like 'atlas%' order by 1`, 'postgres');
const names = async () =>
  (await send('GET', `/api/salons?city=${CITY}`)).json().items?.map((one) => one.name as string) ?? [];

/** A restore that is killed, without what it started, once so many of its steps are done. */
async function killRestoreAfter(steps: number): Promise<string> {
  const child = spawn('ops/atlas', ['restore', '--yes', '--skip-safety'], {
    cwd: stack().directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if ((output.match(/^ {2}ok .*$/gm)?.length ?? 0) >= steps) child.kill('SIGKILL');
  });
  await once(child, 'close');
  expect(child.signalCode, `it ended before it was killed: ${output}`).to.equal('SIGKILL');
  return output;
}

describe('make restore', function () {
  this.timeout(1_200_000);
  let token: string;
  let urls: string[];
  let id: string;

  before(async () => {
    token = (await mustMake('token', { NAME: 'restore' })).stdout.trim();
    ({ urls } = await createSalonWithPhoto(token, 'Was there', CITY));
    id = (await mustMake('backup')).stdout.trim().split('\n').at(-1) ?? '';
  });

  it('shows its plan, asks, and knows its backups', async () => {
    const unasked = await stack().make('restore');
    expect(unasked.stderr).to.contain(`check every file of ${id}`).and.contain('that needs a yes');
    const unknown = await stack().make('restore', { FROM: '20200101T000000Z-none', YES: '1' });
    expect(unknown.stderr).to.contain('there is no backup').and.contain(id);
    await expectWell(urls);
  });

  // Broken: photos not restored; kept database dropped; safety not taken; maintenance left on; cache not cleared.
  it('after DROP TABLE and lost photos: rows and files are back, and what was there is kept', async () => {
    await createSalonWithPhoto(token, 'Came later', CITY);
    expect(await names()).to.deep.equal(['Came later', 'Was there']);
    await sql('drop table photos cascade');
    for (const url of urls)
      rmSync(path.join(stack().directory, 'uploads', url.replace('/media/', 'variants/')));
    const { stderr } = await mustMake('restore', { FROM: id, YES: '1' });
    const kept = /kept as (atlas_before_\w+)/.exec(stderr)?.[1] ?? '';
    expect(await databases()).to.equal(`atlas\n${kept}`);
    expect(
      await sql(`select to_regclass('photos'), count(*) from salons where name = 'Came later'`, kept),
    ).to.equal('|1');
    const safety = /the state from before is backups\/(\S+):/.exec(stderr)?.[1] ?? '';
    expect(readManifest(safety).reason).to.equal('before-restore');
    expect(await names()).to.deep.equal(['Was there']);
    expect(readEvents('restore').at(-1)).to.include({ result: 'done', backup: id });
    await expectWell(urls);
    // A photo with the id of one that is gone gets its variants.
    await createSalonWithPhoto(token, 'After the restore', CITY);
  });

  it('make restore-clean drops what was kept, after it asked', async () => {
    expect((await stack().make('restore-clean')).stderr).to.contain('that needs a yes');
    expect(await databases()).to.match(/atlas_before_/);
    await mustMake('restore-clean', { YES: '1' });
    expect(await databases()).to.equal('atlas');
  });

  it('some tables only: their rows from the backup, everything else as it is', async () => {
    await sql(`update salons set name = 'Renamed since' where name = 'Was there'`);
    await sql('drop table photos cascade');
    const both = await stack().make('restore', { FROM: id, TABLES: 'photos', SKIP_SAFETY: '1', YES: '1' });
    expect(both.stderr).to.contain('nothing was changed').and.contain('SKIP_SAFETY');
    const none = await stack().make('restore', { FROM: id, TABLES: 'photo', YES: '1' });
    expect(none.stderr).to.contain('has no table photo').and.contain('photos');
    await mustMake('restore', { FROM: id, TABLES: 'photos', YES: '1' });
    expect(await names()).to.deep.equal(['After the restore', 'Renamed since']);
    await expectWell(urls);
    await createSalonWithPhoto(token, 'With a new number', CITY);
    await mustMake('restore-clean', { YES: '1' });
  });

  it('rows that point to rows of no use are refused, and all is as it was', async () => {
    await sql(`delete from salons where name = 'Renamed since'`);
    const before = await databases();
    const outcome = await stack().make('restore', { FROM: id, TABLES: 'photos', YES: '1' });
    expect(outcome.exitCode).to.not.equal(0);
    expect(outcome.stderr).to.contain('violates foreign key').and.contain('as if nothing had been');
    expect(await databases()).to.equal(before);
    await expectWell([]);
  });

  it('SIGKILL at every step in turn: the site is as it was or as in the backup, and the next restore ends it', async () => {
    for (let steps = 1; steps <= 7; steps++) {
      const output = await killRestoreAfter(steps);
      const { stderr } = await mustMake('restore', { FROM: id, YES: '1', SKIP_SAFETY: '1' });
      expect(stderr, output).to.contain('restored');
      expect(await names()).to.deep.equal(['Was there']);
      await expectWell(urls);
    }
    // And a deploy lets the public in again, whatever of both is in place.
    await killRestoreAfter(5);
    const { stderr } = await mustMake('deploy', { TAG: stack().settings().IMAGE_TAG ?? '' });
    expect(stderr).to.match(/the restore of \S+ by root .* was killed/);
    await expectWell(urls);
    await mustMake('restore-clean', { YES: '1' });
  });

  it('of an older release is migrated; of a newer one is refused; a migration that fails takes all of it back', async () => {
    const base = stack().settings().IMAGE_TAG ?? '';
    await sql('alter table salons add column mood text');
    const odd = (await mustMake('backup', { REASON: 'odd' })).stdout.trim().split('\n').at(-1) ?? '';
    await sql('alter table salons drop column mood');
    const up = 'alter table salons add column mood text';
    await buildReleaseWith(stack(), 'v5.1.0', [
      { name: '20991231000001_mood', up, down: 'alter table salons drop column mood' },
    ]);
    await mustMake('deploy', { TAG: 'v5.1.0' });

    const { stderr } = await mustMake('restore', { FROM: id, YES: '1', SKIP_SAFETY: '1' });
    expect(stderr).to.contain('migrate: 20991231000001_mood');
    const column = `select count(*) from information_schema.columns where table_name = 'salons' and column_name = 'mood'`;
    expect(await sql(column)).to.equal('1');
    await expectWell(urls);

    await sql(`update salons set name = 'Before the failure'`);
    const failed = await stack().make('restore', { FROM: odd, YES: '1', SKIP_SAFETY: '1' });
    expect(failed.exitCode).to.not.equal(0);
    expect(failed.stderr).to.contain('already exists').and.contain('as if nothing had been');
    expect(await names()).to.deep.equal(['Before the failure']);
    await expectWell(urls);

    await mustMake('backup', { REASON: 'newer' });
    await mustMake('rollback', { TAG: base });
    const newer = await stack().make('restore', { YES: '1' });
    expect(newer.stderr)
      .to.contain('does not know 20991231000001_mood')
      .and.contain('make deploy TAG=v5.1.0');
    await mustMake('deploy', { TAG: base });
  });
});
