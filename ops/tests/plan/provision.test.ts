// What to break in the code to see a guarantee fail stands beside its test; most of these were not tried.
import { expect } from 'chai';
import { describeNotes, parseReport, planProvision, type Source } from '../../src/plan/provision.ts';

const COMMIT = 'a'.repeat(40);
const source: Source = { commit: COMMIT, tag: 'v1', isTagKnown: true };
const report = (facts: Record<string, string>, changes: string[] = []) => ({ changes, notes: [], facts });
const BARE = { head: 'none', release: 'none', env: 'none', engine: 'none', tag: 'none' };
const LIVE = { head: COMMIT, release: 'v1', env: 'there', engine: 'there', tag: COMMIT };

describe('the plan of make provision', () => {
  it('reads what the machine reports, and nothing else that it says', () => {
    const stdout =
      'change packages: git make\nfact head none\nnote sshd accepts passwords\nchanged\nfact tag\n';
    expect(parseReport(stdout)).to.deep.equal({
      changes: ['packages: git make'],
      notes: ['sshd accepts passwords'],
      facts: { head: 'none' },
    });
  });

  it('a bare machine gets everything, in the order of execution', () => {
    const plan = planProvision(report(BARE, ['packages: git']), source, '/opt/x');
    expect(plan).to.include({ sends: true, checksOut: true, deploys: true });
    expect(plan.lines).to.deep.equal([
      'packages: git',
      '/opt/x: the files of v1 (aaaaaaa)',
      'Node and the container engine (ops/bootstrap.sh)',
      'first deploy: release v1',
    ]);
  });

  it('a machine that serves is left alone', () => {
    expect(planProvision(report(LIVE), source, '/opt/x').lines).to.deep.equal([]);
  });

  // Mutation: checksOut without isLive.
  it('the checkout of a machine that serves is not moved; a tag that it does not have is sent', () => {
    const newer: Source = { ...source, commit: 'b'.repeat(40), tag: 'v2' };
    const there = report({ ...LIVE, tag: 'none' });
    const plan = planProvision(there, newer, '/opt/x');
    expect(plan).to.deep.include({ sends: true, checksOut: false, deploys: false });
    expect(plan.lines).to.deep.equal(['/opt/x: the tag v2 (bbbbbbb)']);
    expect(describeNotes(there, newer, 'root@vps')).to.deep.equal([
      'v1 is deployed there; make deploy HOST=root@vps TAG=v2 brings v2',
    ]);
  });

  it('a first deploy that failed is tried again, with what is there', () => {
    const there = report({ ...LIVE, release: 'none' });
    expect(planProvision(there, source, '/opt/x').lines).to.deep.equal(['first deploy: release v1']);
  });

  it('without a tag the machine builds the commit; of one that git does not know it says so', () => {
    const built = planProvision(report(BARE), { commit: COMMIT, tag: null, isTagKnown: false }, '/opt/x');
    expect(built.lines).to.include('first deploy: built there, from its checkout');
    const unknown = { ...source, isTagKnown: false };
    expect(planProvision(report(BARE), unknown, '/opt/x').lines).to.include(
      '/opt/x: the files of commit (aaaaaaa)',
    );
    expect(describeNotes(report(BARE), unknown, 'vps')).to.match(/git knows no tag v1 here/);
  });
});
