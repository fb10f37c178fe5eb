import { type Catalogue, readCatalogue } from '../host/catalogue.ts';
import { paths } from '../host/paths.ts';
import type { Backup, MediaRecord } from '../plan/backups.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { formatBytes, formatTable } from '../report/table.ts';
import { sizeOf } from './take-backup.ts';

/**
 * Prints every backup, newest first, and apart from them what is broken; every byte of them is read for that. Takes
 * no lock, so that a look at night stops no backup.
 * @returns exit 1 when something is broken
 */
export async function backups(options: { json?: boolean }): Promise<ExitCode> {
  let catalogue: Catalogue = { backups: [], broken: [] };
  await step('every file and photo read', async () => {
    catalogue = await readCatalogue(paths.backups, { thorough: true });
  });
  if (options.json) process.stdout.write(`${JSON.stringify(toJson(catalogue), null, 2)}\n`);
  else print(catalogue);
  return catalogue.broken.length === 0 ? EXIT.done : EXIT.failed;
}

function print(catalogue: Catalogue): void {
  if (catalogue.backups.length === 0) note('there is no backup yet: make backup');
  else process.stdout.write(`${formatTable(tabulate(catalogue.backups))}\n`);
  if (catalogue.broken.length > 0) process.stdout.write(`\n${describeBroken(catalogue).join('\n')}\n`);
}

/** Heading and one row each; times in UTC. */
export function tabulate(all: readonly Backup[]): string[][] {
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
      'no',
    ];
  });
  return [heading, ...rows];
}

/** The best there is: a restore in a drill, whatever came of it, or else that every byte was read back. */
function findProof({ manifest, drill }: Backup): { how: string; time: string } {
  if (!drill) return { how: 'read', time: manifest.verified };
  return { how: drill.result === 'pass' ? 'drill' : 'FAILED drill', time: drill.time };
}

function describeMedia(media: MediaRecord): string {
  if (media.storage === 'local') return `${media.files}, ${formatBytes(media.bytes)}`;
  return media.storage === 's3' ? `in ${media.bucket}` : 'no';
}

function describeBroken({ broken }: Catalogue): string[] {
  const heading = `BROKEN: ${broken.length}, never restored, deleted or counted`;
  return [
    heading,
    ...broken.flatMap(({ name, why, next }) => [`  ${name}`, `    why: ${why}`, `    next: ${next}`]),
  ];
}

function toJson({ backups: all, broken }: Catalogue) {
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
      offsite: false,
    };
  });
  return { backups: list, broken };
}

const formatMinute = (time: string) => time.slice(0, 16).replace('T', ' ');
