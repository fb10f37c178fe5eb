import type { Settings } from '../config/validate.ts';
import { envFileExists, loadSettings } from '../host/env-file.ts';
import { type Check, fail, pass, toCheck, unknown } from '../plan/checks.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { formatTable } from '../report/table.ts';
import { checkMode, checkServer } from './checks.ts';
import { observeConditions } from './conditions.ts';

/**
 * Checks everything that this product relies on; changes nothing. Exit 0 when all of it passed, 1 when something
 * failed, 3 when nothing failed but something is unknown.
 */
export async function doctor(options: { json?: boolean }): Promise<ExitCode> {
  const checks = await observeChecks();
  process.stdout.write(`${options.json ? JSON.stringify(checks, null, 2) : formatChecks(checks)}\n`);
  if (checks.some(({ result }) => result === 'fail')) return EXIT.failed;
  return checks.some(({ result }) => result === 'unknown') ? EXIT.human : EXIT.done;
}

async function observeChecks(): Promise<Check[]> {
  // Without it there is nothing to check: loadSettings says so.
  if (!(await envFileExists())) await loadSettings();
  const mode = await checkMode();
  let settings: Settings;
  try {
    settings = await loadSettings();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const rest = unknown('everything else', '.env says how to look at it', error.details.next ?? '');
    return [fail('.env', error.message, error.details.next ?? ''), mode, rest];
  }
  const [conditions, server] = await Promise.all([observeConditions(settings), checkServer(settings)]);
  return [pass('.env', 'every setting is valid'), mode, ...conditions.map(toCheck), ...server];
}

function formatChecks(checks: readonly Check[]): string {
  const count = (result: Check['result']) => checks.filter((one) => one.result === result).length;
  const rows = checks.flatMap(({ name, result, detail, next }) => [
    [result === 'fail' ? 'FAIL' : result, name, detail],
    ...(next ? [['', '', `next: ${next}`]] : []),
  ]);
  return `${formatTable(rows)}\n\n${count('pass')} passed, ${count('fail')} failed, ${count('unknown')} unknown`;
}
