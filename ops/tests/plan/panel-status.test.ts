import { expect } from 'chai';
import type { BackupEvent } from '../../src/plan/backup-events.ts';
import { describeForPanel } from '../../src/plan/panel-status.ts';
import type { LedgerEntry } from '../../src/plan/releases.ts';

const entry = (tag: string): LedgerEntry => ({
  ...{ what: 'deploy', tag, result: 'failed', imageId: 'sha256:1', started: '2026-01-02T03:04:05Z' },
  ...{ seconds: 4.2, by: 'ada', why: 'DATABASE_URL=postgres://atlas:secret@postgres' },
});
const certificate = {
  ...{ issuer: 'CA', selfSigned: false, daysTotal: 90, daysLeft: 60, serial: 'AB' },
  names: ['example.org'],
};
const facts = {
  disk: { freeBytes: 1, totalBytes: 2 },
  backups: [],
  now: '2026-01-02T04:00:00Z',
};

describe('what the panel shows of the server', () => {
  it('is the last ten releases, the latest first', () => {
    const ledger = Array.from({ length: 12 }, (_, index) => entry(`v${index}`));
    const { releases } = describeForPanel({ ...facts, ledger, certificate });
    expect(releases.map(({ tag }) => tag)).to.deep.equal(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((index) => `v${index}`),
    );
  });

  // Mutation tried: spreading the ledger's entries; what a failure said came along.
  it('is a list of fields: nothing else that the facts hold comes along', () => {
    const status = describeForPanel({ ...facts, ledger: [entry('v1')], certificate });
    expect(status).to.deep.equal({
      writtenAt: '2026-01-02T04:00:00Z',
      releases: [
        {
          ...{ what: 'deploy', tag: 'v1', result: 'failed', started: '2026-01-02T03:04:05Z' },
          ...{ seconds: 4.2, by: 'ada' },
        },
      ],
      certificate: { issuer: 'CA', selfSigned: false, daysTotal: 90, daysLeft: 60 },
      disk: { freeBytes: 1, totalBytes: 2 },
      backup: null,
      drill: null,
    });
  });

  // Broken: the last good one shown, as if the failure after it had not been.
  it('is the last backup and the last drill, however they ended, and when', () => {
    const started = '2026-01-02T03:00:00.000Z';
    const event = { started, seconds: 90, by: 'ada', why: 'a secret' };
    const backups: BackupEvent[] = [
      { ...event, what: 'backup', result: 'done', bytes: 5 },
      { ...event, what: 'drill', result: 'pass' },
      { ...event, what: 'backup', result: 'failed' },
    ];
    const { backup, drill } = describeForPanel({ ...facts, backups, ledger: [], certificate });
    const at = '2026-01-02T03:01:30.000Z';
    expect(backup).to.deep.equal({ at, seconds: 90, result: 'failed' });
    expect(drill).to.deep.equal({ at, seconds: 90, result: 'pass' });
  });

  it('says so when there is no certificate and nothing was released', () => {
    const status = describeForPanel({ ...facts, ledger: [], certificate: null });
    expect(status).to.include({ certificate: null }).and.to.have.property('releases').that.is.empty;
  });
});
