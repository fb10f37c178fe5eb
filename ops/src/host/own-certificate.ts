import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, readFile, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { listNames } from '../plan/site.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { writeAtomically } from './files.ts';
import { paths } from './paths.ts';

/** The operator's own certificate, with what is wrong with it although it can be served. */
export interface OwnCertificate {
  serial: string;
  notes: string[];
}

/**
 * Reads TLS_CERT and TLS_KEY; null when they are not set.
 * @throws Failure (exit 2) when they cannot be served: unreadable, no pair
 */
export async function readOwnCertificate(
  settings: Settings,
): Promise<(OwnCertificate & { pem: string }) | null> {
  const { TLS_CERT, TLS_KEY } = settings;
  if (!TLS_CERT && !TLS_KEY) return null;
  if (!TLS_CERT || !TLS_KEY) throw refusal('TLS_CERT and TLS_KEY belong together: only one of them is set');
  const [certificate, key] = await Promise.all([read('TLS_CERT', TLS_CERT), read('TLS_KEY', TLS_KEY)]);
  const leaf = attempt(
    () => new X509Certificate(certificate),
    `TLS_CERT=${TLS_CERT} is not a certificate in PEM`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    `TLS_KEY=${TLS_KEY} is not a private key in PEM, or has a passphrase`,
  );
  if (!leaf.checkPrivateKey(privateKey))
    throw refusal(`TLS_KEY=${TLS_KEY} does not belong to TLS_CERT=${TLS_CERT}`);
  return {
    serial: leaf.serialNumber,
    notes: findFaults(leaf, settings),
    pem: `${certificate.trim()}\n${key.trim()}\n`,
  };
}

/** Lays it where certbot's container finds it, or takes it away from there. Only root can read it. */
export async function copyOwnCertificate(settings: Settings): Promise<void> {
  const own = await readOwnCertificate(settings);
  if (!own) return rm(paths.ownCertificate, { force: true });
  await writeAtomically(paths.ownCertificate, own.pem, 0o600);
  await chmod(paths.ownCertificate, 0o600);
}

function findFaults(leaf: X509Certificate, settings: Settings): string[] {
  const ends = new Date(leaf.validTo);
  const missing = listNames(settings).filter(
    (name) => !(isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)),
  );
  return [
    ...(ends.getTime() < Date.now() ? [`it has expired on ${ends.toISOString().slice(0, 10)}`] : []),
    ...(missing.length > 0 ? [`it is not for ${missing.join(', ')}`] : []),
  ];
}

async function read(key: string, file: string): Promise<string> {
  return readFile(path.resolve(paths.root, file), 'utf8').catch(() => {
    throw refusal(`${key}=${file} cannot be read`);
  });
}

function attempt<T>(parse: () => T, problem: string): T {
  try {
    return parse();
  } catch {
    throw refusal(problem);
  }
}

function refusal(problem: string): Failure {
  return new Failure(problem, {
    state: 'nothing was changed',
    next: 'set both in .env to files in PEM: the certificate with its chain, and its key without a passphrase',
    exitCode: EXIT.usage,
  });
}
