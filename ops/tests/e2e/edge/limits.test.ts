import { expect } from 'chai';
import { send } from '../client.ts';
import { stack } from '../stack.ts';
import { mustMake } from '../zero-loss/under-load.ts';
import { runOutside } from './outside-client.ts';

interface Answers {
  /** How many had each status. */
  statuses: Record<string, number>;
  /** Headers and body of the last one that was refused. */
  refused?: { headers: Record<string, string>; body: string };
}

/** Sends that many requests, 50 at a time, as fast as they are answered. */
const flood = (count: number, options: object) => `
const https = require('node:https');
const agent = new https.Agent({ keepAlive: true, maxSockets: 50, rejectUnauthorized: false });
const found = { statuses: {} };
let left = ${count};
const options = { host: 'nginx', agent, ...${JSON.stringify(options)} };
for (let n = 0; n < ${count}; n += 1)
  https.request({ ...options, headers: { host: 'localhost', ...options.headers } }, (answer) => {
    let body = '';
    answer.on('data', (chunk) => { body += chunk; }).on('end', () => {
      found.statuses[answer.statusCode] = (found.statuses[answer.statusCode] ?? 0) + 1;
      if (answer.statusCode === 429) found.refused = { headers: answer.headers, body };
      left -= 1;
      if (left === 0) { console.log(JSON.stringify(found)); agent.destroy(); }
    });
  }).end();
`;

const change = async (values: Record<string, string>) => {
  stack().set(values);
  await mustMake('deploy', { TAG: stack().settings().IMAGE_TAG ?? '' });
};

describe('limits for each client', function () {
  this.timeout(240_000);

  after(() => change({ RATE_LIMIT: '100', TRUSTED_PROXIES: '' }));

  // Without limit_req all of them are answered.
  it('four seconds of requests pass at once, then 429; nobody else is held up', async () => {
    await change({ RATE_LIMIT: '5' });
    const started = Date.now();
    const { statuses, refused } = await runOutside<Answers>(stack(), flood(200, { path: '/livez' }));
    const allowed = 21 + 5 * ((Date.now() - started) / 1000);
    expect(statuses[200]).to.be.within(21, allowed);
    expect(statuses[429]).to.equal(200 - (statuses[200] ?? 0));
    expect(refused?.headers['content-type']).to.equal('application/problem+json');
    expect(Number(refused?.headers['retry-after'])).to.be.above(0);
    expect(refused?.headers['x-content-type-options']).to.equal('nosniff');
    expect(JSON.parse(refused?.body ?? '')).to.include({ status: 429 });
    expect((await send('GET', '/livez')).status).to.equal(200);
  });

  // Without the zone `logins` the service answers all of them.
  it('logging in is for people: eleven at once, whatever RATE_LIMIT says; looking at the page is not counted', async () => {
    await change({ RATE_LIMIT: '0' });
    const login = { path: '/admin/login', method: 'POST' };
    const { statuses } = await runOutside<Answers>(stack(), flood(40, login));
    expect(statuses[429]).to.be.within(28, 29);
    const pages = await runOutside<Answers>(stack(), flood(40, { path: '/admin/login' }));
    expect(pages.statuses).to.deep.equal({ 200: 40 });
  });

  it('RATE_LIMIT=0 counts nobody', async () => {
    const { statuses } = await runOutside<Answers>(stack(), flood(1000, { path: '/livez' }));
    expect(statuses).to.deep.equal({ 200: 1000 });
  });

  it('believes X-Forwarded-For from TRUSTED_PROXIES alone', async () => {
    const { sh, project } = stack();
    const senders = async (path: string) => {
      const { stdout } = await sh('docker', 'logs', `${project}-nginx-1`);
      const found = stdout.split('\n').filter((line) => line.includes(path));
      return found.map((line) => JSON.parse(line).remote as string);
    };
    const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' };
    await runOutside(stack(), flood(1, { path: '/livez?untrusted', headers }));
    expect((await senders('/livez?untrusted'))[0]).to.not.contain('203.0.113.9');
    const format = '{{(index .IPAM.Config 0).Subnet}}|{{(index .IPAM.Config 0).Gateway}}';
    const network = await sh('docker', 'network', 'inspect', `${project}_web`, '--format', format);
    const [subnet = '', gateway = ''] = network.stdout.trim().split('|');
    await change({ TRUSTED_PROXIES: subnet });
    await runOutside(stack(), flood(1, { path: '/livez?trusted', headers }));
    // The last one that the proxy names: what stands before it anybody may have written.
    expect(await senders('/livez?trusted')).to.deep.equal(['203.0.113.9']);
    await change({ TRUSTED_PROXIES: '192.0.2.0/24' });
    await send('GET', '/livez?other', { headers });
    expect(await senders('/livez?other')).to.deep.equal([gateway]);
  });
});
