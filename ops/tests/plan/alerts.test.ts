import { expect } from 'chai';
import { renderAlert } from '../../src/plan/alert-payload.ts';
import {
  type AlertMessage,
  type Condition,
  type Incident,
  planAlerts,
  settle,
} from '../../src/plan/alerts.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 24, 12, minute)).toISOString();
const condition = (state: Condition['state'], more: Partial<Condition> = {}): Condition => ({
  ...{ key: 'disk', name: 'disk', title: 'the disk is full', next: 'df -h', graceSeconds: 0 },
  ...{ state, ...more },
});

interface Look {
  minute: number;
  found: Condition[];
  /** Whether the receiver is there; it is unless this says no. */
  isDead?: boolean;
  /** status and key of each message. */
  says?: string[];
}

/** Looks one after the other, each of them settled as its receiver says. @returns what is open in the end */
function look(looks: readonly Look[]): Incident[] {
  let incidents: Incident[] = [];
  for (const { minute, found, isDead, says = [] } of looks) {
    const planned = planAlerts(incidents, found, at(minute));
    const said = planned.messages.map(({ status, key }) => `${status} ${key}`);
    expect(said, `minute ${minute}`).to.deep.equal(says);
    incidents = settle(planned.incidents, isDead ? [] : planned.messages);
  }
  return incidents;
}

const wrong = [condition('wrong')];
const well = [condition('well')];
const unknown = [condition('unknown')];
const slow = (state: Condition['state']) => [condition(state, { graceSeconds: 270 })];
const firing = ['firing disk'];
const resolved = ['resolved disk'];

/** What is broken in the code to see a case fail stands beside it. */
const CASES: [what: string, looks: Look[], open: number][] = [
  // told is never set; the incident stays when its end was told.
  [
    'is told once, and once when it is over',
    [
      { minute: 0, found: wrong, says: firing },
      { minute: 5, found: wrong },
      { minute: 10, found: well, says: resolved },
      { minute: 15, found: well },
    ],
    0,
  ],
  ['nothing is said of what is well', [{ minute: 0, found: well }], 0],
  [
    'is two incidents when it comes back',
    [
      { minute: 0, found: wrong, says: firing },
      { minute: 5, found: well, says: resolved },
      { minute: 10, found: wrong, says: firing },
    ],
    1,
  ],
  // settle takes every message as taken.
  [
    'is said again until the receiver takes it, at both ends',
    [
      { minute: 0, found: wrong, isDead: true, says: firing },
      { minute: 5, found: wrong, isDead: true, says: firing },
      { minute: 10, found: wrong, says: firing },
      { minute: 15, found: well, isDead: true, says: resolved },
      { minute: 20, found: well, says: resolved },
      { minute: 25, found: well },
    ],
    0,
  ],
  // An end is told whether or not the beginning was.
  [
    'is not said any more when it is over before anybody was told',
    [
      { minute: 0, found: wrong, isDead: true, says: firing },
      { minute: 5, found: well },
    ],
    0,
  ],
  // ended is kept.
  [
    'goes on when it is wrong again before its end could be told',
    [
      { minute: 0, found: wrong, says: firing },
      { minute: 5, found: well, isDead: true, says: resolved },
      { minute: 10, found: wrong },
      { minute: 15, found: well, says: resolved },
    ],
    0,
  ],
  // graceSeconds passed over; since set anew at each look.
  [
    'is said only when it has been wrong for long enough',
    [
      { minute: 0, found: slow('wrong') },
      { minute: 4, found: slow('wrong') },
      { minute: 5, found: slow('wrong'), says: firing },
    ],
    1,
  ],
  // since kept over a good look.
  [
    'begins anew when it was well in between',
    [
      { minute: 0, found: slow('wrong') },
      { minute: 4, found: slow('well') },
      { minute: 5, found: slow('wrong') },
      { minute: 9, found: slow('wrong') },
    ],
    1,
  ],
  // unknown taken for well; for wrong.
  [
    'neither begins nor ends by not being measured',
    [
      { minute: 0, found: unknown },
      { minute: 5, found: wrong, says: firing },
      { minute: 10, found: unknown },
      { minute: 15, found: wrong },
      { minute: 20, found: unknown },
      { minute: 25, found: well, says: resolved },
    ],
    0,
  ],
  // watchMeasuring left out.
  [
    'is itself told after an hour without a measurement, and when there is one again',
    [
      { minute: 0, found: unknown },
      { minute: 55, found: unknown },
      { minute: 60, found: unknown, says: ['firing disk-unknown'] },
      { minute: 65, found: unknown },
      { minute: 70, found: well, says: ['resolved disk-unknown'] },
    ],
    0,
  ],
  // isExplained passed over.
  [
    'is not told when something else says why there is no measurement',
    [
      { minute: 0, found: [condition('unknown', { isExplained: true })] },
      { minute: 300, found: [condition('unknown', { isExplained: true })] },
    ],
    0,
  ],
  // Incidents without a condition dropped.
  [
    'stays open while only other things are looked at',
    [
      { minute: 0, found: wrong, says: firing },
      { minute: 5, found: [condition('wrong', { key: 'backup' })], says: ['firing backup'] },
      { minute: 10, found: wrong },
    ],
    2,
  ],
  // since believed although it is in the future.
  [
    'is said although the clock was put back since it began',
    [
      { minute: 50, found: slow('wrong') },
      { minute: 0, found: slow('wrong') },
      { minute: 5, found: slow('wrong'), says: firing },
    ],
    1,
  ],
];

describe('an incident', () => {
  for (const [what, looks, open] of CASES)
    it(what, () => {
      expect(look(looks)).to.have.length(open);
    });
});

describe('the message of an alert', () => {
  const message: AlertMessage = {
    ...{ key: 'release', title: 'the deploy of v2 failed', next: 'make releases' },
    ...{ since: at(0), status: 'firing' },
  };
  const from = { project: 'atlas', host: 'vps', time: at(5) };

  it('has the text under the name that each receiver knows, and the parts beside it', () => {
    const text = `FIRING atlas on vps: the deploy of v2 failed\nthe deploy of v2 failed\nsince 2026-11-24 12:00 UTC\nnext: make releases`;
    expect(renderAlert(message, from, [])).to.deep.equal({
      ...{ text, content: text, title: text.split('\n')[0], message: text.split('\n').slice(1).join('\n') },
      ...{ status: 'firing', key: 'release', next: 'make releases', ...from },
    });
    const over = renderAlert({ ...message, status: 'resolved' }, from, []);
    expect(over.text).to.match(/^RESOLVED atlas on vps: the deploy of v2 failed\nover; it was, since/);
  });

  // Broken: without a limit.
  it('is no longer than Discord takes, whatever a failure has to say', () => {
    const { content, title } = renderAlert({ ...message, title: 'x'.repeat(5000) }, from, []);
    expect(content).to.have.length(2000);
    expect(title).to.have.length(200);
  });

  // Broken: without redact.
  it('holds no secret, whatever a failure has to say', () => {
    const title = 'failed: postgres://atlas:s3cret-s3cret@postgres/atlas';
    const payload = renderAlert({ ...message, title }, from, ['s3cret-s3cret']);
    expect(JSON.stringify(payload)).to.contain('atlas:[redacted]@postgres').and.not.contain('s3cret');
  });
});
