// What to break in the code to see a guarantee fail stands beside its test; not every one of these was tried.
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import type { AlertState } from '../../src/host/alerts.ts';
import type { AlertPayload } from '../../src/plan/alert-payload.ts';
import type { Condition } from '../../src/plan/alerts.ts';
import type { Check } from '../../src/plan/checks.ts';
import { waitFor } from './client.ts';
import { freePort } from './create-stack.ts';
import { buildRelease } from './releases/build.ts';
import { stack } from './stack.ts';

describe('alerts, health and doctor', function () {
  this.timeout(300_000);
  let receiver: Server;
  let received: AlertPayload[] = [];
  const beats: string[] = [];
  let url = '';

  const file = (name: string) => path.join(stack().directory, name);
  const state = () => JSON.parse(readFileSync(file('.atlas/alerts.json'), 'utf8')) as AlertState;
  const said = () => received.map(({ status, key }) => `${status} ${key}`);
  /** @returns the conditions that are not well, by key */
  const look = async () => {
    const { exitCode, stdout, stderr } = await stack().sh('ops/atlas', 'health', '--json');
    const { conditions } = JSON.parse(stdout) as { conditions: Condition[] };
    const wrong = conditions.filter((one) => one.state === 'wrong').map(({ key }) => key);
    expect(exitCode, stderr).to.equal(wrong.length > 0 ? 1 : 0);
    return { conditions, wrong, stderr };
  };
  const examine = async () => {
    const { exitCode, stdout } = await stack().sh('ops/atlas', 'doctor', '--json');
    const checks = JSON.parse(stdout) as Check[];
    return { exitCode, checks, failed: checks.filter(({ result }) => result === 'fail') };
  };

  before(async () => {
    if (process.env.TEST_NO_ENGINE) return;
    receiver = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (request.method === 'GET') beats.push(request.url ?? '');
      else received.push(JSON.parse(body));
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/secret-path`;
    stack().set({ ALERT_URL: url });
  });
  beforeEach(() => {
    received = [];
  });
  after(() => {
    if (!process.env.TEST_NO_ENGINE) stack().set({ ALERT_URL: '' });
    receiver?.closeAllConnections();
    receiver?.close();
  });

  it('nothing is wrong with a good stack, and nothing is said', async () => {
    const { conditions, wrong } = await look();
    expect(wrong).to.deep.equal([]);
    // What is due only later is unknown, never well.
    const unknown = conditions.filter((one) => one.state === 'unknown').map(({ key }) => key);
    expect(['backup', 'drill', 'drill-at'], 'of which other tests may have made some').to.include.members(
      unknown,
    );
    expect(conditions.find(({ key }) => key === 'queue')).to.include({ title: 'no photo waits' });
    expect(said()).to.deep.equal([]);
    expect(statSync(file('.atlas/panel/status.json')).mtimeMs).to.be.above(Date.now() - 60_000);
  });

  // Broken: without the lock of alerts, two looks at once told it twice. The rest of it is in plan/alerts.test.ts.
  it('a service that is down for five minutes is told once, and once when it is back', async () => {
    const { make, sh } = stack();
    await sh('docker', 'compose', 'stop', 'worker');
    expect((await look()).wrong).to.deep.equal(['service-worker']);
    expect(said()).to.deep.equal([]);
    expect(statSync(file('.atlas/alerts.json')).mode & 0o777).to.equal(0o600);
    const pending = state();
    for (const one of pending.incidents) one.since = new Date(Date.now() - 300_000).toISOString();
    writeFileSync(file('.atlas/alerts.json'), JSON.stringify(pending));
    // Two at once: cron and somebody who types it.
    await Promise.all([look(), look()]);
    expect(said()).to.deep.equal(['firing service-worker']);
    expect(received[0]).to.include({
      project: stack().project,
      next: 'make logs SERVICE=worker; make start when it was stopped',
    });
    expect(received[0]?.content).to.contain('worker is exited');
    await look();
    expect((await make('start')).exitCode).to.equal(0);
    expect((await look()).wrong).to.deep.equal([]);
    await look();
    expect(said()).to.deep.equal(['firing service-worker', 'resolved service-worker']);
    expect(state().incidents).to.deep.equal([]);
  });

  // Broken: judgeWal without the ages.
  it('WAL that is not received is told at once, and again when it is; not a second time as a service', async () => {
    const { sh, project } = stack();
    await sh('docker', 'pause', `${project}-wal-1`);
    await waitFor('the incident', look, ({ wrong }) => wrong.length > 0, 60);
    expect(said()).to.deep.equal(['firing wal']);
    expect(received[0]?.content).to.match(/wal is .* has told nothing since/);
    await sh('docker', 'unpause', `${project}-wal-1`);
    await waitFor('its end', look, ({ wrong }) => wrong.length === 0);
    expect(said()).to.deep.equal(['firing wal', 'resolved wal']);
  });

  // Broken: a deploy that is undone without alertNow.
  it('a dead receiver changes nothing about a deploy that is undone; it is told once it is back', async () => {
    const { make, set, settings, sh } = stack();
    const good = settings().IMAGE_TAG ?? '';
    await buildRelease(stack(), 'v2.0.0-crashing', 'crashing');
    set({ ALERT_URL: `http://127.0.0.1:${await freePort()}/hooks/secret-path` });
    const outcome = await sh('ops/atlas', 'deploy', '--tag', 'v2.0.0-crashing');
    expect(outcome.exitCode).to.equal(1);
    expect(outcome.stderr).to.match(/an alert was not delivered: 127\.0\.0\.1:\d+ could not be asked/);
    expect(outcome.stderr).to.contain(`release ${good} served all the time`).and.not.contain('secret-path');
    expect(state().incidents).to.have.length(1);
    set({ ALERT_URL: url });
    expect((await look()).wrong).to.deep.equal(['release']);
    expect(said()).to.deep.equal(['firing release']);
    expect(received[0]?.title).to.contain('the deploy of v2.0.0-crashing was undone');
    expect((await make('deploy', { TAG: good })).exitCode).to.equal(0);
    expect(said()).to.deep.equal(['firing release', 'resolved release']);
  });

  // To be broken, not tried yet: without alertNow in the verb; the heartbeat before the rotation, or for any reason; a killed one not looked for.
  it('a backup that fails is told at once, a good night ends it, and what a killed one leaves is told too', async () => {
    const { make, set, sh } = stack();
    set({ HEARTBEAT_URL: url.replace('hooks', 'beats') });
    await sh('docker', 'compose', 'pause', 'postgres');
    try {
      expect((await make('backup', { REASON: 'nightly' })).exitCode).to.not.equal(0);
      expect(said()).to.deep.equal(['firing backup']);
      expect((await make('backup')).exitCode, 'again').to.not.equal(0);
      expect(said(), 'once').to.deep.equal(['firing backup']);
    } finally {
      await sh('docker', 'compose', 'unpause', 'postgres');
    }
    expect((await make('backup', { REASON: 'by-hand' })).exitCode).to.equal(0);
    expect(said()).to.deep.equal(['firing backup', 'resolved backup']);
    expect(beats, 'neither a bad night nor a backup by hand').to.deep.equal([]);
    expect((await make('backup', { REASON: 'nightly' })).exitCode).to.equal(0);
    expect(beats).to.deep.equal(['/beats/secret-path']);

    received = [];
    mkdirSync(file('backups/.20260101T000000Z-killed.partial'));
    await look();
    expect(said()).to.deep.equal(['firing backups']);
    expect((await make('backup')).exitCode, 'clears it away').to.equal(0);
    expect(said()).to.deep.equal(['firing backups', 'resolved backups']);
    set({ HEARTBEAT_URL: '' });
  });

  it('doctor finds nothing broken in a good stack but what a test has no use for', async () => {
    const { checks, exitCode, failed } = await examine();
    // Whether the machine of the tests has a cron that runs is not this test's business.
    expect(failed.map(({ name }) => name).filter((name) => name !== 'cron')).to.deep.equal([]);
    // No backup and no drill yet: that is unknown, which is not good enough for 0.
    expect(exitCode).to.equal(failed.length > 0 ? 1 : 3);
    const passed = checks.filter(({ result }) => result === 'pass').map(({ name }) => name);
    const expected = [
      '.env',
      '.env mode',
      'engine',
      'worker',
      'disk',
      'queue',
      'last deploy',
      'image against .env',
      'ports',
      'memory',
      'DNS',
      'alerts',
    ];
    expect(passed).to.include.members(expected);
    for (const { name, result, next } of checks) expect(next === '', name).to.equal(result === 'pass');
  });

  // Broken: the mode not looked at.
  it('doctor names what is broken: the mode of .env, a setting that is none', async () => {
    const { make, set } = stack();
    chmodSync(file('.env'), 0o644);
    const open = await examine();
    expect(open.failed.map(({ name }) => name)).to.include('.env mode');
    chmodSync(file('.env'), 0o600);
    set({ HTTP_PORT: 'eighty' });
    const malformed = await make('doctor');
    set({ HTTP_PORT: String(stack().httpPort) });
    expect(malformed.stdout).to.match(/^FAIL +\.env +.*\n.*HTTP_PORT: expected a port number/);
    expect(malformed.stdout).to.contain('unknown  everything else');
  });
});
