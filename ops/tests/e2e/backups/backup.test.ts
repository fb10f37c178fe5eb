// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { waitFor } from '../client.ts';
import { stack } from '../stack.ts';
import {
  backupsDirectory,
  createSalonWithPhoto,
  expectWell,
  listNames,
  mustMake,
  readEvents,
  readManifest,
  sql,
} from './stack-data.ts';

/** Changes one bit in the middle of a file, as a bad disk does. @returns what changes it back */
function flipBit(file: string): () => void {
  const bytes = readFileSync(file);
  const { mode } = statSync(file);
  const original = Buffer.from(bytes);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  const write = (content: Buffer) => {
    rmSync(file);
    writeFileSync(file, content, { mode });
  };
  write(bytes);
  return () => write(original);
}

describe('make backup and make drill', function () {
  this.timeout(600_000);
  let urls: string[];
  let id: string;

  before(async () => {
    const token = (await mustMake('token', { NAME: 'backups' })).stdout.trim();
    ({ urls } = await createSalonWithPhoto(token, 'Kept safe', 'Backup'));
  });

  it('one moment of the database with every photo; what has not changed is not copied again', async () => {
    id = (await mustMake('backup')).stdout.trim().split('\n').at(-1) ?? '';
    const manifest = readManifest(id);
    expect(manifest.reason).to.equal('manual');
    expect(manifest.release).to.equal(stack().settings().IMAGE_TAG);
    expect(manifest.migrations.join()).to.equal(
      await sql(`select string_agg(name, ',' order by name) from knex_migrations`),
    );
    expect(manifest.postgres.imageId).to.match(/^sha256:[0-9a-f]{64}$/);
    const { files: photoFiles } = manifest.media as { files: number };
    const rows = Number(await sql('select count(*) from photos'));
    expect(photoFiles, 'an original and a variant of each at least').to.be.at.least(2 * rows);
    expect(readEvents('backup').at(-1)).to.include({ result: 'done', backup: id });

    const again = await mustMake('backup', { REASON: 'second' });
    expect(again.stderr).to.match(/photos \(0 new, 0 MB\)/);
    expect(listNames().filter((name) => name.endsWith('.partial'))).to.deep.equal([]);
  });

  it('a second one at the same time says so', async () => {
    // Both want to read this table: the first one has to wait as long as somebody holds it.
    const holding = sql('begin; lock table photos in access exclusive mode; select pg_sleep(8)');
    const locks = `select count(*) from pg_locks where relation = 'photos'::regclass and mode = 'AccessExclusiveLock'`;
    await waitFor(
      'the table to be held',
      () => sql(locks, 'atlas'),
      (count) => count === '1',
    );
    const first = stack().make('backup');
    const isWriting = async () => listNames().some((name) => name.endsWith('.partial'));
    await waitFor('the first one to write', isWriting, Boolean);
    const second = await stack().make('backup');
    expect(second.exitCode).to.not.equal(0);
    expect(second.stderr).to.contain('another command is changing this server: backup');
    expect((await first).exitCode).to.equal(0);
    await holding;
  });

  it('one that fails is none, and the ledger has it', async () => {
    const before = listNames();
    await stack().sh('docker', 'compose', 'pause', 'postgres');
    try {
      // The engine refuses to run anything in a paused container.
      const outcome = await stack().make('backup');
      expect(outcome.exitCode).to.not.equal(0);
    } finally {
      await stack().sh('docker', 'compose', 'unpause', 'postgres');
    }
    expect(listNames()).to.deep.equal(before);
    expect(readEvents('backup').at(-1)).to.include({ result: 'failed' });
    const odd = await stack().make('backup', { REASON: '../x' });
    expect([odd.exitCode, odd.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('../x'),
    );
  });

  // Broken: tables not compared; the container or its volume left; drill.json not written.
  it('a drill restores the newest into a postgres of its own, says PASS, and leaves nothing', async () => {
    const { stderr } = await mustMake('drill');
    expect(stderr).to.match(/PASS: \S+ restored and compared in [\d.]+ s/);
    const event = readEvents('drill').at(-1);
    expect(event).to.include({ result: 'pass' });
    const record = readFileSync(path.join(backupsDirectory(), event?.backup ?? '', 'drill.json'), 'utf8');
    expect(JSON.parse(record)).to.include({ result: 'pass' });
    expect(
      (await stack().sh('docker', 'ps', '-aq', '--filter', `name=${stack().project}-drill`)).stdout,
    ).to.equal('');
    const volumes = ['volume', 'ls', '--quiet', '--filter', `name=${stack().project}-drill`];
    expect((await stack().sh('docker', ...volumes)).stdout).to.equal('');
    await expectWell(urls);
  });

  for (const file of ['database.dump', 'globals.sql', 'media.jsonl'])
    it(`a drill of one whose ${file} has another bit says FAIL`, async () => {
      const mend = flipBit(path.join(backupsDirectory(), id, file));
      try {
        const outcome = await stack().make('drill', { FROM: id });
        expect(outcome.exitCode).to.equal(2); // make's own
        expect(outcome.stderr).to.contain('FAIL').and.contain(`${file} has another SHA-256`);
        expect(readEvents('drill').at(-1)).to.include({ result: 'fail', backup: id });
        const restored = await stack().make('restore', { FROM: id, YES: '1' });
        expect(restored.exitCode).to.not.equal(0);
        expect(restored.stderr).to.contain(file).and.contain('nothing was changed');
      } finally {
        mend();
      }
    });

  it('photos of the store with another bit are found by the drill, and stop the restore', async () => {
    const lines = readFileSync(path.join(backupsDirectory(), id, 'media.jsonl'), 'utf8')
      .trim()
      .split('\n');
    // All of them: the drill reads a sample.
    const hashes = new Set(lines.map((line) => (JSON.parse(line) as { sha256: string }).sha256));
    const mends = [...hashes].map((hash) =>
      flipBit(path.join(backupsDirectory(), 'media', hash.slice(0, 2), hash)),
    );
    try {
      expect((await stack().make('drill', { FROM: id })).stderr)
        .to.contain('FAIL')
        .and.contain('SHA-256 is');
      const restored = await stack().make('restore', { FROM: id, YES: '1' });
      expect(restored.stderr).to.contain('photo files').and.contain('nothing was changed');
      const listed = await stack().make('backups');
      expect(listed.exitCode).to.not.equal(0);
      expect(listed.stdout).to.contain(id);
    } finally {
      for (const mend of mends) mend();
    }
    await mustMake('drill', { FROM: id });
    await mustMake('backups');
  });

  it('a manifest with another bit is no backup; without any a drill is NOT RUN, which is no success', async () => {
    const mend = flipBit(path.join(backupsDirectory(), id, 'manifest.json'));
    try {
      const outcome = await stack().make('drill', { FROM: id });
      expect(outcome.exitCode).to.not.equal(0);
      expect(outcome.stderr).to.contain('NOT RUN').and.contain(`${id} is no backup any more`);
      expect(readEvents('drill').at(-1)).to.include({ result: 'not-run' });
    } finally {
      mend();
    }
    await mustMake('drill', { FROM: id });
  });
});
