import { chmod, chown, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from '../config/validate.ts';
import { listContainers } from '../host/containers.ts';
import { measureSpace } from '../host/disks.ts';
import { askEngine } from '../host/engine.ts';
import { writeAtomically } from '../host/files.ts';
import { readServedCertificate } from '../host/http.ts';
import { copyOwnCertificate } from '../host/own-certificate.ts';
import { preparePanelDirectory } from '../host/panel-status.ts';
import { paths } from '../host/paths.ts';
import { findPortHolder } from '../host/ports.ts';
import { BASE_STORE, WAL_STORE } from '../plan/bases.ts';
import type { Container } from '../plan/containers.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { formatBytes } from '../report/table.ts';
import { ourselvesOf } from './switch-edge.ts';

const DISK_FLOOR_BYTES = 2_000_000_000;
/** uid of `node` in the image and gid through which nginx reads the variants. */
const SERVICE_UID = 1000;
const POSTGRES_UID = 999;

/** Everything that can be known to be wrong before the first change. @throws Failure naming all of it */
export async function preflight(settings: Settings): Promise<void> {
  const containers = await listContainers(settings.COMPOSE_PROJECT_NAME, 'nginx');
  const [ports, disks] = await Promise.all([
    findBusyPorts(settings, containers),
    findFullDisks(),
    warnOfCertificate(settings, containers),
  ]);
  const problems = [...ports, ...disks];
  if (problems.length === 0) return;
  throw new Failure(problems.join('\n       '), {
    state: 'nothing was changed; what ran goes on running',
    next: 'solve the above and run the same command again',
    exitCode: EXIT.usage,
  });
}

const CERTIFICATE_DAYS = 3;

/** A release can neither mend a certificate nor be harmed by it: it is said, and the deploy goes on. */
async function warnOfCertificate(settings: Settings, containers: readonly Container[]): Promise<void> {
  if (!isRunning(containers, 'nginx')) return;
  const certificate = await readServedCertificate(ourselvesOf(settings));
  if (!certificate || certificate.daysLeft >= CERTIFICATE_DAYS) return;
  const { daysLeft } = certificate;
  note(
    daysLeft < 0
      ? `note: the certificate that nginx serves has expired ${-daysLeft} days ago`
      : `note: the certificate that nginx serves expires in ${daysLeft} days`,
  );
}

const isRunning = (containers: readonly Container[], service: string) =>
  containers.some((one) => one.service === service && one.status === 'running');

async function findBusyPorts(settings: Settings, containers: readonly Container[]): Promise<string[]> {
  // Our own nginx holds them already: publishing them again changes nothing.
  if (isRunning(containers, 'nginx')) return [];
  const problems = await Promise.all(
    (['HTTP_PORT', 'HTTPS_PORT'] as const).map(async (key) => {
      const holder = await findPortHolder(Number(settings[key]));
      return holder && `port ${settings[key]} is taken by ${holder}; stop it, or set ${key} in .env`;
    }),
  );
  return problems.filter((problem) => problem !== null);
}

async function findFullDisks(): Promise<string[]> {
  const { DockerRootDir: dockerRoot } = await askEngine<{ DockerRootDir: string }>('GET', '/info');
  const problems: string[] = [];
  for (const directory of [paths.root, dockerRoot]) {
    const free = await freeBytes(directory);
    if (free < DISK_FLOOR_BYTES)
      problems.push(`only ${formatBytes(free)} free on the disk of ${directory}; at least 2 GB are needed`);
  }
  return problems;
}

/** Bytes an unprivileged process may still write on the file system of a path. */
export async function freeBytes(directory: string): Promise<number> {
  return (await measureSpace(await existingParent(directory))).freeBytes;
}

async function existingParent(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => null);
  return found ? directory : existingParent(path.dirname(directory));
}

/** Directories for media, WAL and base backups with the owners the containers need, and mounted configuration that they can read. */
export async function prepareDirectories(settings: Settings): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  for (const directory of [
    paths.uploads,
    path.join(paths.uploads, 'originals'),
    path.join(paths.uploads, 'variants'),
  ]) {
    await mkdir(directory, { recursive: true });
    if (process.getuid?.() === 0) await chown(directory, SERVICE_UID, SERVICE_UID);
    await chmod(directory, 0o750);
  }
  for (const store of [WAL_STORE, BASE_STORE]) {
    const directory = path.join(paths.backups, store);
    await mkdir(directory, { recursive: true });
    if (process.getuid?.() === 0) await chown(directory, POSTGRES_UID, POSTGRES_UID);
    await chmod(directory, 0o700);
  }
  await preparePanelDirectory();
  await copyAuthority(settings);
  await copyOwnCertificate(settings);
  // A checkout made under umask 077 would be unreadable for the containers' users.
  for (const entry of ['compose/redis', 'compose/postgres', 'compose/wal', 'compose/certbot'])
    await makeReadable(path.join(paths.root, entry));
}

/** @throws Failure (exit 2) when ACME_CA_FILE names no certificate */
async function copyAuthority({ ACME_CA_FILE }: Settings): Promise<void> {
  await mkdir(path.dirname(paths.authority), { recursive: true });
  await chmod(path.dirname(paths.authority), 0o755);
  if (!ACME_CA_FILE) return rm(paths.authority, { force: true });
  const text = await readFile(path.resolve(paths.root, ACME_CA_FILE), 'utf8').catch(() => '');
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Failure(`ACME_CA_FILE=${ACME_CA_FILE} is not a certificate that can be read`, {
      state: 'nothing was changed',
      next: "set it in .env to the file with the CA's certificate, in PEM",
      exitCode: EXIT.usage,
    });
  await writeAtomically(paths.authority, text, 0o644);
  await chmod(paths.authority, 0o644);
}

async function makeReadable(entry: string): Promise<void> {
  const { mode } = await stat(entry);
  const children = await readdir(entry, { withFileTypes: true }).catch(() => null);
  const wanted = mode | (children || mode & 0o100 ? 0o555 : 0o444);
  if (wanted !== mode) await chmod(entry, wanted & 0o7777);
  for (const child of children ?? []) await makeReadable(path.join(entry, child.name));
}
