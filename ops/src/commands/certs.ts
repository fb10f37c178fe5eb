import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { execIn } from '../host/containers.ts';
import { reloadNginx } from '../host/edge.ts';
import { loadSettings } from '../host/env-file.ts';
import { lastLines } from '../host/exec.ts';
import { readServedCertificate } from '../host/http.ts';
import { readCertificateEvents, recordEvent } from '../host/ledger.ts';
import { withLock } from '../host/lock.ts';
import { readOwnCertificate } from '../host/own-certificate.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { type Certificate, findNews, findTrouble } from '../plan/certificate.ts';
import { containerName } from '../plan/containers.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { step } from '../report/steps.ts';
import { formatTable } from '../report/table.ts';
import { edgeOf, ourselvesOf } from './switch-edge.ts';

/** What compose/certbot/keeper.py writes after each look at the certificate. */
interface Kept {
  asked: [names: string[], server: string];
  /** Seconds since the epoch, as `next`. */
  checked: number;
  error: string | null;
  failures: number;
  next: number;
}

/** Who is asked, when it is TLS_CERT that is served. */
const OWN = 'TLS_CERT';

const containerOf = (settings: Settings) => containerName(settings.COMPOSE_PROJECT_NAME, 'certbot');

/** Shows the certificate, or gets a new one. Exit 1 when somebody must do something, or the last try failed. */
export async function certs(options: { renew?: boolean; json?: boolean }): Promise<ExitCode> {
  const settings = await loadSettings();
  if (options.renew) await renew(settings);
  const { served, kept, trouble } = await observeCertificate(settings);
  await recordNews(served, kept?.error ?? null);
  await writePanelStatus(ourselvesOf(settings));
  const found = {
    ...{ served, trouble, domain: settings.DOMAIN ?? null, own: settings.TLS_CERT ?? null },
    ...describeKept(kept),
  };
  process.stdout.write(`${options.json ? JSON.stringify(found, null, 2) : format(found)}\n`);
  return trouble || kept?.error ? EXIT.failed : EXIT.done;
}

/** What nginx serves, what the keeper says, and what somebody must do something about. */
export async function observeCertificate(settings: Settings) {
  const [served, kept] = await Promise.all([
    readServedCertificate(ourselvesOf(settings)),
    readKept(settings),
  ]);
  return { served, kept, trouble: findTrouble(served, kept?.error ?? null, settings) };
}

/** Renewals come by themselves: whoever looks next writes them down. */
export async function recordNews(served: Certificate | null, error: string | null): Promise<void> {
  const known = await readCertificateEvents();
  for (const event of findNews(known, served, error, new Date().toISOString())) await recordEvent(event);
}

async function renew(settings: Settings): Promise<void> {
  if (settings.TLS_CERT)
    throw new Failure('TLS_CERT is set: no CA is asked', {
      next: 'put the new certificate where TLS_CERT and TLS_KEY name it, then make deploy',
      exitCode: EXIT.usage,
    });
  if (!settings.DOMAIN)
    throw new Failure('DOMAIN is not set: the certificate is self-signed, and no CA is asked', {
      next: 'set DOMAIN and ACME_EMAIL in .env, then make deploy',
      exitCode: EXIT.usage,
    });
  await withLock('certs', 0, async () => {
    await step(`new certificate for ${settings.DOMAIN}`, async () => {
      await keepNow(settings);
      await reloadNginx(edgeOf(settings));
    });
  });
}

/** One pass of the keeper at once. @throws Failure with what the CA, or the keeper, said */
async function keepNow(settings: Settings): Promise<void> {
  const keeper = ['python3', '/etc/certbot-atlas/keeper.py', 'now'];
  const { exitCode, output } = await execIn(containerOf(settings), keeper);
  if (exitCode === 0) return;
  throw new Failure(settings.TLS_CERT ? 'TLS_CERT could not be laid out' : 'the CA gave no certificate', {
    command: `docker exec ${containerOf(settings)} ${keeper.join(' ')}`,
    log: lastLines(output),
    state: 'nginx goes on with the certificate it has',
    next: settings.TLS_CERT ? 'make deploy' : 'correct what the CA says, then make certs RENEW=1',
  });
}

const AWAIT_SECONDS = 180;

/**
 * Waits for the first certificate from the CA; a release does not fail for want of it.
 * @returns how it ended, for the step's line
 */
export async function awaitCertificate(settings: Settings): Promise<string> {
  const problem = settings.TLS_CERT
    ? await keepNow(settings).catch((error: Error) => error.message)
    : await awaitCa(settings);
  if (problem) {
    await recordNews(null, problem);
    return `not yet: ${problem}; make certs tells more`;
  }
  await reloadNginx(edgeOf(settings));
  const { served, trouble } = await observeCertificate(settings);
  await recordNews(served, null);
  const notes = [...((await readOwnCertificate(settings))?.notes ?? []), ...(trouble ? [trouble] : [])];
  const described = served ? `${describeIssuer(served)}, ${served.daysLeft} days` : 'none served';
  return [described, ...notes].join('; ');
}

/** @returns what stands in the way, or null when the certificate is there */
async function awaitCa(settings: Settings): Promise<string | null> {
  const deadline = Date.now() + AWAIT_SECONDS * 1000;
  const wanted = JSON.stringify([(settings.DOMAIN ?? '').split(',').sort(), settings.ACME_SERVER]);
  while (Date.now() < deadline) {
    const kept = await readKept(settings);
    if (kept && JSON.stringify(kept.asked) === wanted) return kept.error;
    await delay(500);
  }
  return `no answer after ${AWAIT_SECONDS} s`;
}

async function readKept(settings: Settings): Promise<Kept | null> {
  const answer = await execIn(containerOf(settings), ['cat', '/etc/letsencrypt/atlas.json']).catch(
    () => null,
  );
  return answer?.exitCode === 0 ? (JSON.parse(answer.output) as Kept) : null;
}

function describeKept(kept: Kept | null) {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  return {
    server: kept?.asked[0].length && kept.asked[1] !== OWN ? kept.asked[1] : null,
    checked: kept && time(kept.checked),
    next: kept && time(kept.next),
    failures: kept?.failures ?? 0,
    error: kept?.error ?? null,
  };
}

/** Who vouches for a certificate, in words. */
export const describeIssuer = ({ selfSigned, issuer }: Certificate) =>
  selfSigned ? 'self-signed, browsers will warn' : issuer;

type Found = ReturnType<typeof describeKept> & {
  served: Certificate | null;
  trouble: string | null;
  domain: string | null;
  /** TLS_CERT. */
  own: string | null;
};

function format({ served, trouble, domain, own, server, checked, next, failures, error }: Found): string {
  const minute = (time: string | null) => (time ? `${time.slice(0, 16).replace('T', ' ')} UTC` : '-');
  const rows = [
    ['names', served?.names.join(', ') ?? 'nginx serves no certificate'],
    ['issuer', served ? describeIssuer(served) : '-'],
    ['days left', String(served?.daysLeft ?? '-')],
    ['serial', served?.serial ?? '-'],
    [
      'asked',
      own
        ? `nobody: the certificate is ${own}`
        : domain
          ? `${server ?? 'nobody yet'} for ${domain}`
          : 'nobody: DOMAIN is not set in .env',
    ],
    ['last look', minute(checked)],
    ['next look', minute(next)],
    ...(trouble ? [['TROUBLE', trouble]] : []),
    ...(error ? [['error', `${error} (${failures} in a row)`]] : []),
  ];
  return formatTable(rows);
}
