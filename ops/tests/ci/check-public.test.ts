import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const script = path.resolve(import.meta.dirname, '../../ci/check-public.sh');

describe('ci/check-public.sh', () => {
  let directory: string;
  let server: Server;
  let url: string;
  /** What the site answers, first to last; the last one goes on. */
  let answers: { status: number; release?: string }[];
  let asked: string[];

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'atlas-ci-public-'));
    const [key, certificate] = [path.join(directory, 'key.pem'), path.join(directory, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const files = ['-keyout', key, '-out', certificate];
    await execa('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      ...subject,
      ...files,
    ]);
    server = createServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (request, response) => {
        asked.push(request.url ?? '');
        const { status, release } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 };
        response.writeHead(status, release ? { 'X-Release': release } : {}).end('body');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server?.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    answers = [{ status: 200, release: 'v1.2.3' }];
    asked = [];
  });

  const check = (args: string[], env: Record<string, string> = {}) =>
    execa(script, args, {
      env: { CURL_CA_BUNDLE: path.join(directory, 'certificate.pem'), CHECK_SECONDS: '0', ...env },
      reject: false,
    });

  it('is content when the release answers that should', async () => {
    const { exitCode, stdout } = await check([`${url}/`, 'v1.2.3']);
    expect([exitCode, stdout]).to.deep.equal([0, `${url} answers with release v1.2.3`]);
    expect(asked).to.deep.equal(['/readyz']);
  });

  it('waits for it while another one answers, or none', async () => {
    answers.unshift({ status: 200, release: 'v1.2.2' }, { status: 503, release: 'v1.2.3' }, { status: 502 });
    expect((await check([url, 'v1.2.3'], { CHECK_SECONDS: '30' })).exitCode).to.equal(0);
    expect(asked).to.have.length(4);
  });

  // Mutations: a tag that only begins with it; any status.
  for (const answer of [
    { status: 200, release: 'v1.2.2' },
    { status: 200, release: 'v1.2.30' },
    { status: 503, release: 'v1.2.3' },
    { status: 302, release: 'v1.2.3' },
    { status: 200 },
  ])
    it(`fails on ${answer.status} from ${answer.release ?? 'nobody'}, and shows it`, async () => {
      answers = [answer];
      const { exitCode, stderr } = await check([url, 'v1.2.3']);
      expect(exitCode).to.equal(1);
      expect(stderr).to.contain(`${url} does not answer with release v1.2.3`);
      expect(stderr).to.contain(`last answer: ${answer.status} ${answer.release ?? ''}`);
    });

  it('without a tag says which one answers, and wants one', async () => {
    expect((await check([url])).stdout).to.equal(`${url} answers with release v1.2.3`);
    answers = [{ status: 200 }];
    expect((await check([url])).exitCode).to.equal(1);
  });

  // Mutation: --insecure.
  it('trusts only certificates that everybody would', async () => {
    const { exitCode, stderr } = await check([url, 'v1.2.3'], { CURL_CA_BUNDLE: '' });
    expect(exitCode).to.equal(1);
    expect(stderr).to.match(/last answer: curl: \(60\)/);
    expect(asked).to.deep.equal([]);
  });

  it('refuses what is no https address, with its usage', async () => {
    for (const args of [
      [],
      [''],
      ['http://localhost'],
      ['localhost', 'v1'],
      ['https://'],
      [url, 'v1', 'v2'],
    ]) {
      const { exitCode, stderr } = await check(args);
      expect(exitCode, args.join(' ')).to.equal(2);
      expect(stderr).to.contain('usage: ops/ci/check-public.sh URL [TAG]');
    }
  });
});
