import { loadSettings } from '../host/env-file.ts';
import { readJournal } from '../host/journal.ts';
import { readLedger } from '../host/ledger.ts';
import { listLocalImages } from '../host/service-image.ts';
import { findPreviousRelease, listReleases } from '../plan/releases.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { formatTable } from '../report/table.ts';
import { type DeployOptions, deploy } from './deploy.ts';

/** Prints every deploy and rollback, newest first, times in UTC. */
export async function releases(options: { json?: boolean }): Promise<ExitCode> {
  const { IMAGE_TAG } = await loadSettings();
  const ledger = await readLedger();
  const rows = listReleases(ledger, IMAGE_TAG || null);
  const header = ['RELEASE', 'WHEN (UTC)', 'WHAT', 'BY', 'TOOK', 'RESULT', ''];
  process.stdout.write(
    `${options.json ? JSON.stringify(ledger, null, 2) : formatTable([header, ...rows])}\n`,
  );
  return EXIT.done;
}

/** Goes back to a release the way a deploy goes forward; without a tag to the good one before. */
export async function rollback(
  tag: string | undefined,
  options: Omit<DeployOptions, 'tag'>,
): Promise<ExitCode> {
  const settings = await loadSettings();
  const interrupted = (await readJournal())?.tag ?? null;
  const target = tag || findPreviousRelease(await readLedger(), settings.IMAGE_TAG || null, interrupted);
  if (target) return deploy({ ...options, tag: target }, 'rollback');
  const known = (await listLocalImages(settings.IMAGE_NAME)).map((one) => one.tag);
  throw new Failure('there is no good release before the current one', {
    state: 'nothing was changed',
    next: `make rollback TAG=<one of: ${known.join(', ')}>`,
    exitCode: EXIT.usage,
  });
}
