import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { stack } from '../stack.ts';

/** Sends bytes as they are. @returns the status of each answer until nginx closes or is silent for a second */
async function sendRaw(text: string): Promise<number[]> {
  const socket = connect({
    host: '127.0.0.1',
    port: stack().httpsPort,
    rejectUnauthorized: false,
    servername: 'localhost',
  });
  await once(socket, 'secureConnect');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) =>
    socket.once('close', resolve).setTimeout(3000, () => resolve(socket.destroy())),
  );
  socket.write(text);
  await closed;
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n`;
/** What a proxy and a service that disagree about the length would take for a second request. */
const SECOND = lines('GET /livez HTTP/1.1', 'Host: localhost', '');

const PROBES: Record<string, string> = {
  'Content-Length and Transfer-Encoding': lines(
    'POST /api/salons HTTP/1.1',
    'Host: localhost',
    'Content-Length: 4',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    SECOND,
  ),
  'two Content-Lengths': lines(
    'POST /api/salons HTTP/1.1',
    'Host: localhost',
    'Content-Length: 0',
    'Content-Length: 44',
    '',
    SECOND,
  ),
  'a chunk that ends with a bare LF': lines(
    'POST /api/salons HTTP/1.1',
    'Host: localhost',
    'Transfer-Encoding: chunked',
    '',
    '2;\nxx\n0',
    '',
    SECOND,
  ),
  'two Hosts': lines('GET /api/salons HTTP/1.1', 'Host: localhost', 'Host: evil.example', '', ''),
  'a Host that is none': lines('GET /api/salons HTTP/1.1', 'Host: local host/@:x', '', ''),
  'a Transfer-Encoding that nobody knows': lines(
    'POST /api/salons HTTP/1.1',
    'Host: localhost',
    'Transfer-Encoding: xchunked',
    '',
    '0',
    '',
    SECOND,
  ),
};

describe('request smuggling', function () {
  this.timeout(60_000);

  // The probe itself can fail: a harmless request followed by a second one is answered twice.
  it('sees two answers to two requests', async () => {
    expect(
      await sendRaw(SECOND + lines('GET /livez HTTP/1.1', 'Host: localhost', 'Connection: close', '')),
    ).to.deep.equal([200, 200]);
  });

  for (const [what, probe] of Object.entries(PROBES))
    it(`${what}: refused, and nothing after it is read`, async () => {
      const statuses = await sendRaw(probe);
      expect(statuses).to.have.length(1);
      expect(statuses[0]).to.be.oneOf([400, 501]);
    });
});
