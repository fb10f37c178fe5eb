import { connect } from 'node:net';
import { expect } from 'chai';
import { startDirectory, type TestDirectory } from '../support/directory.ts';

describe('every answer', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory({
      admin: async (ctx, next) => {
        if (ctx.path === '/admin/broken') throw new Error('a detail that is nobody’s business');
        await next();
      },
    });
    await directory.call('POST', '/api/salons', { as: 'owner', json: { name: 'One', city: 'Wien' } });
  });
  after(() => directory.stop());

  const json = { 'Content-Type': 'application/json' };
  const cases: [string, string, object, number][] = [
    ['GET', '/', {}, 200],
    ['GET', '/livez', {}, 200],
    ['GET', '/readyz', {}, 200],
    ['HEAD', '/api/salons', {}, 200],
    ['OPTIONS', '/api/salons', {}, 200],
    ['GET', '/nowhere', {}, 404],
    ['GET', '/api/salons/nowhere', {}, 404],
    ['GET', '/api/salons/%E0%A4%A', {}, 404],
    ['GET', '/media/ab/abcd-320.webp', {}, 404],
    ['GET', '/media/..%2foriginals/abcd.jpg', {}, 404],
    ['GET', '/media/%2e%2e/originals', {}, 404],
    ['GET', '/media/ab/..%2f..%2f..%2fetc%2fpasswd', {}, 404],
    ['GET', '/media/ab/%00.webp', {}, 404],
    ['GET', '/admin/broken', {}, 500],
    ['PUT', '/api/salons', {}, 405],
    ['POST', '/api/photos/1', {}, 405],
    ['DELETE', '/api/salons', {}, 405],
    ['REPORT', '/api/salons', {}, 501],
    ['POST', '/api/salons', { json: { name: 'x', city: 'y' } }, 401],
    // Who asks comes before what is asked: a stranger's body is not even parsed (tried the other way round).
    ['POST', '/api/salons', { body: '{"name":', headers: json }, 401],
    ['PATCH', '/api/salons/one', { json: {} }, 401],
    ['DELETE', '/api/salons/one', {}, 401],
    ['DELETE', '/api/photos/1', {}, 401],
    ['GET', '/api/salons', { headers: { Authorization: 'Bearer nonsense' } }, 401],
    ['GET', '/api/salons', { headers: { Authorization: 'Basic YTpi' } }, 401],
    ['POST', '/api/salons', { as: 'owner', body: '{"name":', headers: json }, 400],
    ['POST', '/api/salons', { as: 'owner', body: '"text"', headers: json }, 400],
    ['POST', '/api/salons', { as: 'owner', body: '[]', headers: json }, 422],
    ['POST', '/api/salons', { as: 'owner', body: 'name=x', headers: { 'Content-Type': 'text/plain' } }, 415],
    ['POST', '/api/salons', { as: 'owner' }, 415],
    ['POST', '/api/salons', { as: 'owner', json: { name: 'x'.repeat(70_000) } }, 413],
    ['PATCH', '/api/salons/nowhere', { as: 'owner', json: { name: 'x' } }, 404],
  ];
  for (const [method, path, options, status] of cases) {
    it(`${status} ${method} ${path} ${'headers' in options ? JSON.stringify(options.headers) : ''}`, async () => {
      const answer = await directory.call(method, path, options);
      expect(answer.status).to.equal(status);
      expect(answer.headers.get('x-release')).to.equal('test-release');
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
      expect(answer.headers.get('x-request-id')).to.match(/^[\w-]{36}$/);
      if (status < 400) return;
      expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
      expect(answer.body).to.include({ status, requestId: answer.headers.get('x-request-id') });
      expect(answer.body.detail).to.be.a('string').and.not.contain('nobody');
      if (status === 405) expect(answer.headers.get('allow')).to.contain('GET');
      if (status === 401) expect(answer.headers.get('www-authenticate')).to.match(/^Bearer/);
    });
  }

  it('carries the request id of the proxy, and replaces one that is no id', async () => {
    const ask = (id: string) => directory.call('GET', '/livez', { headers: { 'X-Request-Id': id } });
    expect((await ask('f00dcafe-1234')).headers.get('x-request-id')).to.equal('f00dcafe-1234');
    expect((await ask('a b"c')).headers.get('x-request-id')).to.match(/^[\w-]{36}$/);
  });

  it('carries X-Release even when the parser refuses the request', async () => {
    for (const [text, status] of [
      ['GET / HTTP/9.9\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['GET / HTTP/1.1\r\n\r\n', 400],
    ] as const) {
      const answer = await raw(directory.url, text);
      expect(answer).to.match(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer).to.match(/\r\nX-Release: test-release\r\n/);
    }
  });
});

/** Sends bytes and answers with all that comes back until the server closes. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}
