import type { Settings } from '../config/validate.ts';
import { listContainers } from '../host/containers.ts';
import { measureSpace } from '../host/disks.ts';
import { isInMaintenance } from '../host/edge.ts';
import { loadSettings } from '../host/env-file.ts';
import { askOurselves } from '../host/http.ts';
import { type Journal, readJournal } from '../host/journal.ts';
import { readStatus } from '../host/offsite/state.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { paths } from '../host/paths.ts';
import type { Certificate } from '../plan/certificate.ts';
import { type Container, describeState, findUnhealthy } from '../plan/containers.ts';
import { lagOf } from '../plan/offsite-health.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { formatAge, formatBytes, formatTable } from '../report/table.ts';
import { describeIssuer, observeCertificate } from './certs.ts';
import { ourselvesOf } from './switch-edge.ts';

interface Status {
  ok: boolean;
  /** What .env names, and what nginx answered with just now. */
  release: { tag: string | null; served: string | null };
  services: {
    service: string;
    state: string;
    healthy: boolean;
    upSeconds: number | null;
    restarts: number;
    image: string;
  }[];
  unhealthy: string[];
  /** nginx sends everybody away but health checks and the panel. */
  maintenance: boolean;
  certificate: Certificate | null;
  /** What somebody must do about the certificate. */
  trouble: string | null;
  disk: { freeBytes: number; totalBytes: number };
  /** How far the bucket for backups is behind; null: there is none. */
  offsite: { lagSeconds: number | null; error: string | null } | null;
  /** A deploy or rollback that runs now, or that was killed. */
  underWay: Journal | null;
}

/** Prints what runs. Exit 0 when all of it is as it should be, 1 otherwise. */
export async function status(options: { json?: boolean }): Promise<ExitCode> {
  const settings = await loadSettings();
  const found = await observeStatus(settings);
  await writePanelStatus(ourselvesOf(settings));
  process.stdout.write(`${options.json ? JSON.stringify(found, null, 2) : formatStatus(found)}\n`);
  return found.ok ? EXIT.done : EXIT.failed;
}

async function observeStatus(settings: Settings): Promise<Status> {
  const ourselves = ourselvesOf(settings);
  const [containers, { served: certificate, trouble }, served, disk, underWay, maintenance] =
    await Promise.all([
      listContainers(settings.COMPOSE_PROJECT_NAME),
      observeCertificate(settings),
      askOurselves(ourselves, '/livez').then(
        (answer) => answer.release ?? null,
        () => null,
      ),
      measureSpace(paths.root),
      readJournal(),
      isInMaintenance(),
    ]);
  const tag = settings.IMAGE_TAG || null;
  const unhealthy = findUnhealthy(containers);
  return {
    ok: unhealthy.length === 0 && trouble === null && served !== null && served === tag,
    release: { tag, served },
    services: containers.map(summarize),
    unhealthy,
    maintenance,
    certificate,
    trouble,
    offsite: settings.BACKUP_S3_BUCKET ? await observeLag() : null,
    disk,
    underWay,
  };
}

async function observeLag(): Promise<NonNullable<Status['offsite']>> {
  const found = await readStatus();
  return { lagSeconds: lagOf(found, new Date().toISOString()), error: found?.error ?? null };
}

function formatLag({ lagSeconds, error }: NonNullable<Status['offsite']>): string {
  const behind = lagSeconds === null ? 'nothing was sent yet' : `${formatAge(lagSeconds)} behind`;
  return `offsite      ${behind}${error ? `: ${error}` : ''}`;
}

function summarize(container: Container): Status['services'][number] {
  const isRunning = container.status === 'running';
  const state = describeState(container);
  return {
    service: container.service,
    state,
    healthy: ['healthy', 'running', 'done'].includes(state),
    upSeconds: isRunning ? Math.round((Date.now() - Date.parse(container.startedAt)) / 1000) : null,
    restarts: container.restarts,
    image: container.image,
  };
}

function formatStatus(found: Status): string {
  const { release, certificate, disk, underWay } = found;
  const rows = found.services.map((one) => [
    one.service,
    one.state,
    one.upSeconds === null ? '-' : formatAge(one.upSeconds),
    one.restarts === 0 ? '' : `${one.restarts} restarts`,
    one.image,
  ]);
  const served =
    release.served === release.tag ? 'served by nginx' : `nginx serves ${release.served ?? 'nothing'}`;
  return [
    `release      ${release.tag ?? 'none'} (${served})`,
    `certificate  ${certificate ? `${certificate.daysLeft} days left (${describeIssuer(certificate)})` : 'none served'}`,
    ...(found.maintenance
      ? ['maintenance  on: only health checks and the panel pass; make maintenance off']
      : []),
    ...(underWay
      ? [
          `under way    ${underWay.what} of ${underWay.tag} by ${underWay.by}, at "${underWay.step}"; if it was killed: make deploy, or make rollback`,
        ]
      : []),
    ...(found.offsite ? [formatLag(found.offsite)] : []),
    `disk         ${formatBytes(disk.freeBytes)} free of ${formatBytes(disk.totalBytes)}`,
    '',
    formatTable([['SERVICE', 'STATE', 'UP', '', 'IMAGE'], ...rows]),
    '',
    found.ok
      ? 'all is well'
      : `not well: ${[...found.unhealthy, ...(found.trouble ? [found.trouble] : [])].join(', ') || 'nginx does not serve the release'}`,
  ].join('\n');
}
