import { type BaseCatalogue, readBaseCatalogue } from '../host/base-catalogue.ts';
import { type Catalogue, readCatalogue } from '../host/catalogue.ts';
import { listShipped } from '../host/offsite/state.ts';
import { paths } from '../host/paths.ts';
import { type Restorable, readWalCatalogue } from '../host/restorable.ts';
import { type Backup, MANIFEST_FILE, type MediaRecord, sizeOf } from '../plan/backups.ts';
import type { BaseManifest } from '../plan/bases.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { formatBytes, formatTable } from '../report/table.ts';

/** All that is in backups/. */
interface Everything extends Catalogue, Pick<BaseCatalogue, 'bases'> {
  restorable: Restorable[];
  /** Keys of what the bucket for backups has. */
  shipped: ReadonlySet<string>;
}

/**
 * Prints every backup and base backup, newest first, and to which moments the WAL leads; apart from them what is broken;
 * every byte of them is read for that. Takes no lock, so that a look at night stops no backup.
 * @returns exit 1 when something is broken
 */
export async function backups(options: { json?: boolean }): Promise<ExitCode> {
  let all: Everything = { backups: [], bases: [], restorable: [], broken: [], shipped: new Set() };
  await step('every file and photo read', async () => {
    all = await readEverything();
  });
  if (options.json) process.stdout.write(`${JSON.stringify(toJson(all), null, 2)}\n`);
  else print(all);
  return all.broken.length === 0 ? EXIT.done : EXIT.failed;
}

async function readEverything(): Promise<Everything> {
  const catalogue = await readCatalogue(paths.backups, { thorough: true });
  const { bases, broken } = await readBaseCatalogue(paths.backups, { thorough: true });
  const wal = await readWalCatalogue(paths.backups, bases);
  return {
    ...{ backups: catalogue.backups, bases: [...bases].reverse(), restorable: wal.restorable },
    shipped: await listShipped(),
    broken: [...catalogue.broken, ...broken, ...wal.broken],
  };
}

function print(all: Everything): void {
  if (all.backups.length === 0) note('there is no backup yet: make backup');
  const tables = [
    tabulate(all.backups, all.shipped),
    tabulateBases(all.bases),
    tabulateRestorable(all.restorable),
  ];
  const parts = tables.filter((rows) => rows.length > 1).map((rows) => formatTable(rows));
  if (all.broken.length > 0) parts.push(describeBroken(all).join('\n'));
  if (parts.length > 0) process.stdout.write(`${parts.join('\n\n')}\n`);
}

function tabulateBases(bases: readonly BaseManifest[]): string[][] {
  const rows = bases.map((base) => {
    const kind = base.parent ? `difference to ${base.parent}` : 'full';
    const [ended, verified] = [formatMinute(base.ended), formatMinute(base.verified)];
    return [base.id, ended, formatBytes(sizeOf(base)), kind, verified];
  });
  return [['BASE BACKUP', 'WHEN (UTC)', 'SIZE', 'KIND', 'VERIFIED'], ...rows];
}

function tabulateRestorable(restorable: readonly Restorable[]): string[][] {
  const rows = restorable.flatMap(({ timeline, stretches, until }) =>
    stretches.map(({ from, missing }) => {
      const end = until ? formatSecond(until) : 'its end';
      return [String(timeline), formatSecond(from), missing ? `${missing} is missing or damaged` : end];
    }),
  );
  return [['TIMELINE', 'ANY SECOND FROM (UTC)', 'UNTIL'], ...rows];
}

/** Heading and one row each; times in UTC. @param shipped keys of what the bucket has */
export function tabulate(all: readonly Backup[], shipped: ReadonlySet<string> = new Set()): string[][] {
  const heading = ['BACKUP', 'WHEN (UTC)', 'SIZE', 'PHOTOS', 'RELEASE', 'VERIFIED', 'OFFSITE'];
  const rows = all.map((backup) => {
    const { id, time, release, media } = backup.manifest;
    const { how, time: verified } = findProof(backup);
    const size = formatBytes(sizeOf(backup.manifest));
    return [
      id,
      formatMinute(time),
      size,
      describeMedia(media),
      release || 'none',
      `${how} ${formatMinute(verified)}`,
      isOffsite(backup, shipped) ? 'yes' : 'no',
    ];
  });
  return [heading, ...rows];
}

/** The manifest goes last. */
const isOffsite = ({ manifest }: Backup, shipped: ReadonlySet<string>) =>
  shipped.has(`dumps/${manifest.id}/${MANIFEST_FILE}`);

/** The best there is: a restore in a drill, whatever came of it, or else that every byte was read back. */
function findProof({ manifest, drill }: Backup): { how: string; time: string } {
  if (!drill) return { how: 'read', time: manifest.verified };
  return { how: drill.result === 'pass' ? 'drill' : 'FAILED drill', time: drill.time };
}

function describeMedia(media: MediaRecord): string {
  if (media.storage === 'local') return `${media.files}, ${formatBytes(media.bytes)}`;
  return media.storage === 's3' ? `in ${media.bucket}` : 'no';
}

function describeBroken({ broken }: Everything): string[] {
  const heading = `BROKEN: ${broken.length}, never restored, deleted or counted`;
  return [
    heading,
    ...broken.flatMap(({ name, why, next }) => [`  ${name}`, `    why: ${why}`, `    next: ${next}`]),
  ];
}

function toJson({ backups: all, bases, restorable, broken, shipped }: Everything) {
  const list = all.map((backup) => {
    const { id, time, release, reason, media } = backup.manifest;
    const bytes = sizeOf(backup.manifest);
    return {
      id,
      time,
      release,
      reason,
      bytes,
      media,
      verified: findProof(backup),
      drill: backup.drill,
      offsite: isOffsite(backup, shipped),
    };
  });
  return { backups: list, bases, restorable, broken };
}

const formatMinute = (time: string) => time.slice(0, 16).replace('T', ' ');
const formatSecond = (time: string) => time.slice(0, 19).replace('T', ' ');
