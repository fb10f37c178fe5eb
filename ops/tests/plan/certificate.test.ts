import { expect } from 'chai';
import { type CertificateEvent, findNews, findTrouble } from '../../src/plan/certificate.ts';

const served = {
  ...{ issuer: "Let's Encrypt", selfSigned: false, serial: 'A1', names: ['one.test'] },
  ...{ daysTotal: 90, daysLeft: 60 },
};
const DOMAIN = 'one.test';
const NOW = '2026-11-24T12:00:00.000Z';

describe('trouble with the certificate', () => {
  const cases: [what: string, found: ReturnType<typeof findTrouble>, expected: RegExp | null][] = [
    ['all is well', findTrouble(served, null, { DOMAIN }), null],
    ['one failure, long before the end', findTrouble(served, 'CA away', { DOMAIN }), null],
    ['exactly a third left', findTrouble({ ...served, daysLeft: 30 }, 'CA away', { DOMAIN }), null],
    [
      'less than a third left',
      findTrouble({ ...served, daysLeft: 29 }, 'CA away', { DOMAIN }),
      /expires in 29 days .*: CA away/,
    ],
    [
      'less than a third, but no failure yet',
      findTrouble({ ...served, daysLeft: 29 }, null, { DOMAIN }),
      null,
    ],
    [
      'a short one',
      findTrouble({ ...served, daysTotal: 6, daysLeft: 1 }, 'CA away', { DOMAIN }),
      /expires in 1 days/,
    ],
    ['expired', findTrouble({ ...served, daysLeft: -2 }, null, { DOMAIN }), /has expired 2 days ago/],
    [
      'never a trusted one',
      findTrouble({ ...served, selfSigned: true }, 'wrong DNS', { DOMAIN }),
      /no trusted certificate yet: wrong DNS/,
    ],
    ['self-signed, and that is wanted', findTrouble({ ...served, selfSigned: true }, null, {}), null],
    ['nothing is served', findTrouble(null, null, {}), /no certificate/],
    [
      "the operator's own, two weeks before its end",
      findTrouble({ ...served, daysLeft: 13 }, null, { TLS_CERT: 'x' }),
      /TLS_CERT/,
    ],
    [
      "the operator's own, before that",
      findTrouble({ ...served, daysLeft: 15 }, null, { TLS_CERT: 'x' }),
      null,
    ],
  ];
  for (const [what, found, expected] of cases)
    it(what, () => {
      if (expected) expect(found).to.match(expected);
      else expect(found).to.equal(null);
    });
});

describe("the certificate's lines in the ledger", () => {
  const line = (event: Partial<CertificateEvent>): CertificateEvent => ({
    ...{ what: 'certificate', result: 'served', started: NOW, by: 'root' },
    ...event,
  });

  it('one for each serial', () => {
    expect(findNews([], served, null, NOW)).to.have.length(1);
    expect(findNews([line({ serial: 'A1' })], served, null, NOW)).to.deep.equal([]);
    expect(findNews([line({ serial: 'A0' })], served, null, NOW)[0]).to.include({
      serial: 'A1',
      result: 'served',
    });
  });

  it('one for each new failure, not for each look', () => {
    const known = [line({ serial: 'A1' })];
    const [failed] = findNews(known, served, 'CA away', NOW);
    expect(failed).to.include({ result: 'failed', why: 'CA away' });
    expect(findNews([...known, line({ ...failed })], served, 'CA away', NOW)).to.deep.equal([]);
  });
});
