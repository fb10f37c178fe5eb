import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { readServedCertificate } from '../../../src/host/http.ts';
import { waitFor } from '../client.ts';
import { createStack, removeStack, type Stack } from '../create-stack.ts';
import { type Pebble, startPebble } from './pebble.ts';

/** Names that the network gives to nginx, as DNS would. */
const ALIASES = `services:
  nginx:
    networks:
      web:
        aliases: [one.test, two.test]
`;

const CERTIFICATE = '/etc/letsencrypt/live/site/cert.pem';
const RENEWAL = '/etc/letsencrypt/renewal/site.conf';

describe('the certificate', function () {
  this.timeout(900_000);
  let own: Stack;
  let pebble: Pebble;

  const servedFor = (name: string) => readServedCertificate({ port: own.httpsPort, name });
  const served = () => servedFor(own.settings().DOMAIN?.split(',')[0] || 'localhost');
  const serial = async () => (await served())?.serial;
  const certs = async (variables = {}) => {
    const { exitCode, stdout, stderr } = await own.make('certs', { JSON: '1', ...variables });
    return { exitCode, stderr, found: JSON.parse(stdout || '{}') };
  };
  const deploy = async () => {
    const outcome = await own.make('deploy', { TAG: own.settings().IMAGE_TAG ?? '' });
    expect(outcome.exitCode, outcome.stderr).to.equal(0);
    return outcome.stderr;
  };

  before(async function () {
    if (process.env.TEST_NO_ENGINE) return this.skip();
    own = await createStack('atlas-certs');
    const first = await own.make('deploy');
    if (first.exitCode !== 0) throw new Error(first.stderr);
    pebble = await startPebble(`${own.project}_web`);
    writeFileSync(path.join(own.directory, 'compose/aliases.yml'), ALIASES);
  });

  after(async () => {
    await pebble?.remove();
    if (own) await removeStack(own);
  });

  it('without DOMAIN is self-signed for localhost, and that is said', async () => {
    expect(await served())
      .to.include({ selfSigned: true })
      .and.to.have.property('names')
      .that.includes('localhost');
    const { stdout, exitCode } = await own.make('certs');
    expect(exitCode).to.equal(0);
    expect(stdout).to.contain('self-signed, browsers will warn').and.contain('DOMAIN is not set');
    const { exitCode: refused, stderr } = await own.make('certs', { RENEW: '1' });
    expect(refused).to.equal(2);
    expect(stderr).to.contain('no CA is asked');
  });

  // Without the look at its dates it would be served for ever.
  it('an expired placeholder is replaced', async () => {
    const expired = [
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=expired -keyout /tmp/key',
      '-not_before 20200101000000Z -not_after 20200201000000Z -out /tmp/pem',
      '&& cat /tmp/pem >/etc/letsencrypt/served/fullchain.pem && cat /tmp/key >/etc/letsencrypt/served/privkey.pem',
    ].join(' ');
    const put = await own.sh('docker', 'exec', `${own.project}-certbot-1`, 'sh', '-c', expired);
    expect(put.exitCode, put.stderr).to.equal(0);
    const days = async () => (await served())?.daysLeft ?? 0;
    await waitFor('the expired one is served', days, (left) => left < 0);
    const told = await own.make('status');
    expect(told.exitCode).to.not.equal(0);
    expect(told.stdout).to.match(/not well: the certificate has expired \d+ days ago/);
    await own.sh('docker', 'compose', 'restart', 'certbot');
    await waitFor('a new one', days, (left) => left > 300);
  });

  it('make deploy with DOMAIN ends with one of the CA for two names', async () => {
    own.set({
      COMPOSE_FILE: `${own.settings().COMPOSE_FILE}:compose/aliases.yml`,
      ...{ DOMAIN: 'one.test,two.test', ACME_EMAIL: 'operator@one.test', ACME_SERVER: pebble.directoryUrl },
      ...{ ACME_CA_FILE: pebble.authorityFile, ACME_CHECK_SECONDS: '20' },
    });
    const told = await deploy();
    expect(told).to.match(/ok .* certificate for one\.test, two\.test.*Pebble/);
    expect(told).to.contain('https://one.test');
    expect(await served()).to.deep.include({ selfSigned: false, names: ['one.test', 'two.test'] });
    expect(await pebble.countOrders()).to.equal(1);
    expect((await certs()).found).to.include({ domain: 'one.test,two.test', error: null });
  });

  // Without conf.d/strangers.conf the first site answers to every name.
  it('then nothing answers to other names, and HSTS is sent', async () => {
    expect(await servedFor('elsewhere.test'), 'no handshake, no names').to.equal(null);
    const target = ['--connect-to', `one.test:443:127.0.0.1:${own.httpsPort}`, 'https://one.test/livez'];
    const ask = (host: string) => own.sh('curl', '-skI', '-H', `Host: ${host}`, ...target);
    const known = (await ask('two.test')).stdout;
    expect(known)
      .to.match(/^HTTP\/2 200/)
      .and.match(/strict-transport-security: max-age=63072000/);
    expect((await ask('elsewhere.test')).stdout).to.match(/^HTTP\/2 421/);
    const plain = await fetch(`http://127.0.0.1:${own.httpPort}/x`, { redirect: 'manual' });
    expect(plain.status).to.equal(421);
  });

  // The longest of this file. testssl.sh caps at A without HSTS, and at B with TLS 1.1.
  it('testssl.sh gives it an A+', async () => {
    const found = await pebble.testTls('one.test');
    const caps = Object.entries(found).filter(([id]) => id.startsWith('grade_cap'));
    expect(found.overall_grade, JSON.stringify(caps)).to.equal('A+');
    expect(found).to.include({ TLS1: 'not offered', TLS1_1: 'not offered', TLS1_3: 'offered with final' });
  });

  // Without the loop in nginx/start.sh the old serial is served until somebody reloads.
  it('is renewed and served without anybody, and not asked for before it is due', async () => {
    const before = await serial();
    const orders = await pebble.countOrders();
    const inCertbot = (...command: string[]) =>
      own.sh('docker', 'exec', `${own.project}-certbot-1`, ...command);
    await pebble.adviseRenewal((await inCertbot('cat', CERTIFICATE)).stdout);
    // Pebble says to ask again in six hours, and certbot, which has asked while the other tests ran, keeps to that.
    const forgotten = await inCertbot('sed', '-i', '/^ari_retry_after/d', RENEWAL);
    expect(forgotten.exitCode, forgotten.stderr).to.equal(0);
    await waitFor('another serial', serial, (now) => now !== undefined && now !== before, 150);
    expect(await pebble.countOrders()).to.equal(orders + 1);
    const looked = async () => Date.parse((await certs()).found.checked);
    const last = await looked();
    await waitFor('another look', looked, (now) => now > last);
    await waitFor('and another', looked, (now) => now > last + 15_000);
    expect(await pebble.countOrders(), 'the new one is valid').to.equal(orders + 1);
  });

  it('make certs RENEW=1 gets and serves a new one at once', async () => {
    const before = await serial();
    const { exitCode, found } = await certs({ RENEW: '1' });
    expect(exitCode).to.equal(0);
    expect(found.served.serial).to.not.equal(before);
    const ledger = readFileSync(path.join(own.directory, '.atlas/ledger.jsonl'), 'utf8');
    const serials = ledger.match(/"what":"certificate","started":"[^"]+","result":"served","serial":"\w+"/g);
    expect(new Set(serials).size, 'each that was seen is in the ledger').to.be.at.least(2);
  });

  it('stays as it is while the CA is away, and the error is seen', async () => {
    await pebble.disconnect();
    try {
      const before = await serial();
      const { exitCode, stderr } = await own.make('certs', { RENEW: '1' });
      expect(exitCode).to.not.equal(0);
      expect(stderr).to.contain('the CA gave no certificate').and.contain('pebble');
      expect(await serial()).to.equal(before);
      const seen = await certs();
      expect(seen.exitCode).to.not.equal(0);
      expect(seen.found.error).to.contain('pebble');
      expect(Date.parse(seen.found.next) - Date.parse(seen.found.checked), 'it backs off').to.be.at.least(
        900_000,
      );
    } finally {
      await pebble.connect();
    }
    expect((await certs({ RENEW: '1' })).found.error).to.equal(null);
  });

  // Without the check the CA is asked, and the failed validation counts.
  it('a name that leads elsewhere is found before the CA is asked; the site goes on', async () => {
    await own.sh('docker', 'compose', 'stop', 'certbot'); // or it may renew what is there before it is replaced
    const orders = await pebble.countOrders();
    own.set({ DOMAIN: 'one.test,elsewhere.test' });
    expect(await deploy()).to.match(
      /not yet: elsewhere\.test does not lead to this server .* the CA was not asked/,
    );
    expect(await pebble.countOrders()).to.equal(orders);
    expect(await served()).to.deep.include({ selfSigned: false, names: ['one.test', 'two.test'] });
  });

  // Without the wait for nginx the CA is asked too early, and the next try comes a quarter of an hour later.
  it('ACME_CHECK=off asks the CA for what this server cannot see, but not before nginx answers', async () => {
    own.set({ DOMAIN: 'one.test', ACME_CHECK: 'off' });
    const orders = await pebble.countOrders();
    await own.sh('docker', 'compose', 'rm', '--stop', '--force', 'nginx', 'certbot');
    await deploy();
    expect(await served()).to.deep.include({ selfSigned: false, names: ['one.test'] });
    expect(await pebble.countOrders()).to.equal(orders + 1);
    own.set({ ACME_CHECK: 'on' });
  });

  it('a lost volume heals itself: placeholder, of which health alarms while the CA is away, then a new one', async () => {
    own.set({ DOMAIN: 'two.test' });
    await own.sh('docker', 'compose', 'rm', '--stop', '--force', 'nginx', 'certbot');
    await own.sh('docker', 'volume', 'rm', `${own.project}_certificates`);
    const alarm = async () => {
      const { conditions } = JSON.parse((await own.make('health', { JSON: '1' })).stdout);
      return conditions.find(({ key }: { key: string }) => key === 'certificate');
    };
    await pebble.disconnect();
    try {
      await deploy();
      expect(await served()).to.include({ selfSigned: true });
      expect(await alarm()).to.include({ state: 'wrong' });
      expect((await alarm()).title).to.match(/there is no trusted certificate yet: .*pebble/s);
    } finally {
      await pebble.connect();
    }
    await certs({ RENEW: '1' });
    expect(await alarm()).to.include({ state: 'well' });
    expect(await served()).to.deep.include({ selfSigned: false, names: ['two.test'] });
  });

  it('one of the operator: refused when it is no pair, served when it is, without any CA', async () => {
    const make = (name: string) =>
      own.sh(
        ...(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const),
        ...['-nodes', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:one.test', '-days', '90'],
        ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
      );
    await Promise.all([make('mine'), make('other')]);
    const before = await serial();
    const domain = own.settings().DOMAIN ?? '';
    own.set({ TLS_CERT: 'mine.pem', TLS_KEY: 'other.key' });
    const refused = await own.make('deploy', { TAG: own.settings().IMAGE_TAG ?? '' });
    expect(refused.exitCode).to.not.equal(0);
    expect(refused.stderr).to.contain('TLS_KEY=other.key does not belong to TLS_CERT=mine.pem');
    expect(await serial()).to.equal(before);

    const orders = await pebble.countOrders();
    own.set({ TLS_KEY: 'mine.key' });
    expect(await deploy()).to.match(/ok .*certificate of TLS_CERT.*it is not for two\.test/);
    expect((await servedFor('two.test'))?.names).to.deep.equal(['one.test']);
    expect((await certs()).found).to.include({ own: 'mine.pem', error: null, trouble: null });
    expect((await certs({ RENEW: '1' })).stderr).to.contain('no CA is asked');
    expect(await pebble.countOrders()).to.equal(orders);

    own.set({ TLS_CERT: '', TLS_KEY: '' });
    // Was a bug once: a keeper that slept after a failure missed that TLS_CERT had come and gone.
    const said = await deploy();
    expect(await servedFor(domain), said).to.deep.include({ selfSigned: false, names: [domain] });
    expect(await pebble.countOrders(), 'the one from before is still valid').to.equal(orders);
  });

  it('an IP address works too', async () => {
    const format = `{{(index .NetworkSettings.Networks "${own.project}_web").IPAddress}}`;
    const address = (
      await own.sh('docker', 'inspect', `${own.project}-nginx-1`, '--format', format)
    ).stdout.trim();
    own.set({ DOMAIN: address });
    await deploy();
    await waitFor(
      'the address',
      async () => (await served())?.names,
      (names) => names?.join() === address,
      60,
    );
  });
});
