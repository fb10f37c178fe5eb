import { expect } from 'chai';
import { send } from '../client.ts';
import { stack } from '../stack.ts';
import { runOutside } from './outside-client.ts';

const CONNECTIONS = 500;
/** client_header_timeout, and the time that 500 handshakes take here. */
const HEADER_SECONDS = 15;
const ATTACK_SECONDS = 25;

/** A third begins a header, a third a body, a third an answer that it does not read; each goes on a byte at a time. */
const ATTACK = `
const tls = require('node:tls');
const crlf = '\\r\\n';
const begin = (first, ...lines) => [first, 'Host: localhost', ...lines].join(crlf) + crlf;
const kinds = {
  header: begin('GET /api/salons HTTP/1.1', 'X-Slow: '),
  body: begin('POST /admin/login HTTP/1.1', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 4000', '', 'a'),
  answer: begin('GET /api/salons?limit=100 HTTP/1.1', 'Cookie: a=b', '').repeat(3),
};
const counts = {};
for (const kind of Object.keys(kinds)) counts[kind] = { opened: 0, closed: 0, refused: 0 };
for (let n = 0; n < ${CONNECTIONS}; n += 1) {
  const kind = Object.keys(kinds)[n % 3];
  const count = counts[kind];
  const socket = tls.connect({ host: 'nginx', port: 443, rejectUnauthorized: false, servername: 'localhost' }, () => {
    count.opened += 1;
    socket.write(kinds[kind]);
    setInterval(() => socket.writable && socket.write('a'), 2000);
  });
  if (kind !== 'answer') socket.on('data', (data) => { if (String(data).includes(' 429 ')) count.refused += 1; });
  socket.on('error', () => {}).on('close', () => { count.closed += 1; });
}
setTimeout(() => { console.log(JSON.stringify(counts)); process.exit(); }, ${ATTACK_SECONDS * 1000});
`;

type Counts = Record<'header' | 'body' | 'answer', { opened: number; closed: number; refused: number }>;

describe('an attack by slow clients', function () {
  this.timeout(120_000);

  // With worker_connections 128 nobody gets in; with client_header_timeout 5m no header is given up; without limit_conn
  // nobody is refused.
  it(`${CONNECTIONS} connections that dawdle: everybody else is answered, and they are sent away`, async () => {
    const { sh } = stack();
    let counts: Counts | undefined;
    const attack = runOutside<Counts>(stack(), ATTACK).then((found) => {
      counts = found;
    });
    const statuses: Record<number, number> = {};
    const seconds: number[] = [];
    while (!counts) {
      const started = performance.now();
      const path = seconds.length % 2 === 0 ? '/livez' : `/api/salons?q=${seconds.length}`;
      const { status } = await send('GET', path);
      seconds.push((performance.now() - started) / 1000);
      statuses[status] = (statuses[status] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await attack;
    expect(Object.keys(statuses), 'everybody else').to.deep.equal(['200']);
    expect(Math.max(...seconds), 'nobody waits for the attackers to be given up').to.be.below(HEADER_SECONDS);
    const opened = Object.values(counts).reduce((sum, one) => sum + one.opened, 0);
    expect(opened, 'the attack took place').to.equal(CONNECTIONS);
    expect(counts.header.closed, 'headers that never end').to.equal(counts.header.opened);
    expect(counts.body.refused, 'more at once than one address may have').to.be.above(0);
    const format = '{{.RestartCount}} {{.State.OOMKilled}}';
    for (const service of ['nginx', 'api']) {
      const ids = await sh('docker', 'compose', 'ps', '--quiet', service);
      for (const id of ids.stdout.split('\n'))
        expect((await sh('docker', 'inspect', id, '--format', format)).stdout, service).to.equal('0 false');
    }
  });
});
