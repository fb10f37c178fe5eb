import { readFile, stat } from 'node:fs/promises';
import type { Settings } from '../config/validate.ts';
import { readAlerts } from '../host/alerts.ts';
import { createCompose } from '../host/compose.ts';
import { askOurselves, askPlainly } from '../host/http.ts';
import { readBackupEvents, readLedger } from '../host/ledger.ts';
import {
  isClockSynchronized,
  listOwnAddresses,
  observeCron,
  readMemory,
  readTimeElsewhere,
  resolveName,
} from '../host/machine.ts';
import { paths } from '../host/paths.ts';
import { findPortHolder } from '../host/ports.ts';
import { askImage, digestSettings, recallImage } from '../host/release-image.ts';
import { findImageIds } from '../host/service-image.ts';
import { hostOf } from '../host/webhook.ts';
import { type Check, checkClock, checkDns, checkMemory, fail, pass, unknown } from '../plan/checks.ts';
import { listNames } from '../plan/site.ts';
import { Failure } from '../report/failure.ts';
import { ourselvesOf } from './switch-edge.ts';

/** Who may read .env. It is looked at before anything else: a wrong .env has a mode, too. */
export async function checkMode(): Promise<Check> {
  const { mode } = await stat(paths.env);
  const text = `mode ${(mode & 0o777).toString(8)}`;
  if ((mode & 0o077) === 0) return pass('.env mode', text);
  return fail(
    '.env mode',
    `${text}: others can read the secrets`,
    'chmod 600 .env, and consider new secrets',
  );
}

/** What only a person who asks is told, beyond what alerts are about. */
export async function checkServer(settings: Settings): Promise<Check[]> {
  return Promise.all([
    checkImage(settings),
    checkPorts(settings),
    readMemory().then(checkMemory),
    checkTime(settings),
    checkNames(settings),
    checkCron(settings),
    checkDelivery(settings),
  ]);
}

/** The image that .env names, asked as a deploy would ask it. */
async function checkImage(settings: Settings): Promise<Check> {
  const name = 'image against .env';
  const reference = `${settings.IMAGE_NAME}:${settings.IMAGE_TAG}`;
  try {
    const compose = createCompose(settings);
    const [ids, hashes] = await Promise.all([findImageIds([reference]), compose.configHashes()]);
    const id = ids[reference];
    if (!id) return fail(name, `${reference} is not on this engine`, 'make deploy');
    const digest = digestSettings(hashes);
    if (!(await recallImage(id, digest))) await askImage(compose, id, digest);
    return pass(name, `${reference} accepts its settings`);
  } catch (error) {
    const { message, details } = error as Failure;
    if (error instanceof Failure && details.log)
      return fail(name, `${message}: ${details.log}`, details.next ?? 'make deploy');
    return unknown(name, message, 'make status');
  }
}

/** Our own nginx behind both published ports: after its first reload it alone knows the number of its list of containers. */
async function checkPorts(settings: Settings): Promise<Check> {
  const [generation, plain, secure] = await Promise.all([
    readFile(paths.generation, 'utf8').catch(() => null),
    askPlainly('127.0.0.1', Number(settings.HTTP_PORT), '/-/generation'),
    askOurselves(ourselvesOf(settings), '/livez').catch(() => null),
  ]);
  const ports = [
    { port: settings.HTTP_PORT, isOurs: plain !== null && (generation?.includes(plain.body) ?? true) },
    { port: settings.HTTPS_PORT, isOurs: secure?.release !== undefined },
  ];
  const lost = ports.filter(({ isOurs }) => !isOurs);
  if (lost.length === 0) return pass('ports', `nginx serves ${ports.map(({ port }) => port).join(' and ')}`);
  const holders = await Promise.all(
    lost.map(async ({ port }) => `${port} (held by ${(await findPortHolder(Number(port))) ?? 'nobody'})`),
  );
  return fail(
    'ports',
    `nginx does not answer at ${holders.join(', ')}`,
    'make start; make logs SERVICE=nginx',
  );
}

async function checkTime(settings: Settings): Promise<Check> {
  const [releases, backups, synchronized, elsewhere] = await Promise.all([
    readLedger(),
    readBackupEvents(),
    isClockSynchronized(),
    readTimeElsewhere(settings.ACME_SERVER),
  ]);
  const newest =
    [...releases, ...backups]
      .map(({ started }) => started)
      .sort()
      .at(-1) ?? null;
  return checkClock({ newest, synchronized, elsewhere }, Date.now());
}

async function checkNames(settings: Settings): Promise<Check> {
  const names = listNames(settings).filter((name) => !/^[\d.]+$|:/.test(name));
  const found = await Promise.all(names.map(async (name) => [name, await resolveName(name)] as const));
  return checkDns(Object.fromEntries(found), listOwnAddresses());
}

async function checkCron(settings: Settings): Promise<Check> {
  const { runs, installed } = await observeCron(settings.COMPOSE_PROJECT_NAME);
  const file = `/etc/cron.d/${settings.COMPOSE_PROJECT_NAME}`;
  if (!installed)
    return fail(
      'cron',
      `${file} is not there: no backups, drills or alerts by themselves`,
      // With CRON=off it would install nothing.
      settings.CRON === 'off' ? 'CRON=on in .env, then make cron' : 'make cron',
    );
  if (!runs) return fail('cron', 'the cron service does not run', 'make cron; service cron start');
  return pass('cron', `runs what ${file} says`);
}

/** Whether anybody hears of it. */
async function checkDelivery({ ALERT_URL }: Settings): Promise<Check> {
  if (!ALERT_URL)
    return unknown(
      'alerts',
      'ALERT_URL is not set: nobody is told',
      'set it in .env; see "When something is wrong" in README',
    );
  const { delivery } = await readAlerts();
  const host = hostOf(ALERT_URL);
  if (!delivery)
    return unknown('alerts', `nothing was sent to ${host} yet`, 'nothing: the first alert will tell');
  const when = `${delivery.time.slice(0, 16).replace('T', ' ')} UTC`;
  return delivery.refusal
    ? fail(
        'alerts',
        `${when}: ${delivery.refusal}`,
        'correct ALERT_URL in .env, or its receiver; it is tried again',
      )
    : pass('alerts', `${host} took the last one at ${when}`);
}
