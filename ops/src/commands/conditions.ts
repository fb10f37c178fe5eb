import type { Settings } from '../config/validate.ts';
import { observeLedger } from '../host/alerts.ts';
import { listContainers } from '../host/containers.ts';
import { measureDisks } from '../host/disks.ts';
import { askEngine, engineAnswers } from '../host/engine.ts';
import { readStatus } from '../host/offsite/state.ts';
import { paths } from '../host/paths.ts';
import { readQueueAge } from '../host/queue-age.ts';
import { readCurrentEpoch, readWalState } from '../host/wal-state.ts';
import type { Condition } from '../plan/alerts.ts';
import { judgeCertificate, judgeDisks, judgeEngine, judgeQueue, judgeServices } from '../plan/conditions.ts';
import { type Container, describeState, isHealthy } from '../plan/containers.ts';
import { judgeOffsite } from '../plan/offsite-health.ts';
import { judgeWal } from '../plan/wal-health.ts';
import { describeIssuer, observeCertificate, recordNews } from './certs.ts';

/** Everything that an alert may be about, as it is now. Never throws: what cannot be measured is unknown. */
export async function observeConditions(settings: Settings): Promise<Condition[]> {
  const answers = await engineAnswers();
  const containers = answers ? await listContainers(settings.COMPOSE_PROJECT_NAME).catch(() => null) : null;
  const [ledger, wal, certificate, disks, queue, offsite] = await Promise.all([
    observeLedger(),
    judgeReceived(containers),
    judgeServed(settings, containers),
    measureOurDisks(answers),
    judgeWaiting(settings, containers),
    judgeShipped(settings),
  ]);
  return [
    judgeEngine(answers),
    ...judgeServices(containers),
    wal,
    certificate,
    judgeDisks(disks),
    queue,
    offsite,
    ...ledger,
  ];
}

const runs = (containers: readonly Container[] | null, service: string) =>
  containers?.some((one) => one.service === service && isHealthy(one)) ?? false;

async function judgeReceived(containers: readonly Container[] | null): Promise<Condition> {
  if (!containers) return judgeWal(null);
  const container = containers.find(({ service }) => service === 'wal');
  const state = await readWalState(paths.backups);
  return judgeWal({
    container: container ? describeState(container) : null,
    hasPostgres: runs(containers, 'postgres'),
    ...{ state, ...(await readCurrentEpoch(paths.backups, state)), now: new Date().toISOString() },
  });
}

async function judgeServed(settings: Settings, containers: readonly Container[] | null): Promise<Condition> {
  if (!runs(containers, 'nginx')) return judgeCertificate(null, false, '');
  const { served, kept, trouble } = await observeCertificate(settings);
  // Nobody else looks this often: what was renewed in the night is written down here.
  await recordNews(served, kept?.error ?? null);
  return judgeCertificate(
    trouble,
    true,
    served ? `${served.daysLeft} days left (${describeIssuer(served)})` : '',
  );
}

async function measureOurDisks(engine: boolean) {
  try {
    const root = engine ? (await askEngine<{ DockerRootDir: string }>('GET', '/info')).DockerRootDir : null;
    return await measureDisks([paths.root, paths.backups, ...(root ? [root] : [])]);
  } catch {
    return null;
  }
}

async function judgeWaiting(settings: Settings, containers: readonly Container[] | null): Promise<Condition> {
  if (!containers || !runs(containers, 'worker') || !runs(containers, 'api')) return judgeQueue(null, false);
  return judgeQueue(await readQueueAge(settings.COMPOSE_PROJECT_NAME, containers), true);
}

async function judgeShipped(settings: Settings): Promise<Condition> {
  return judgeOffsite(Boolean(settings.BACKUP_S3_BUCKET), await readStatus(), new Date().toISOString());
}
