import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { attempt, lastLines } from './exec.ts';
import { paths } from './paths.ts';

export type HookName = 'pre-deploy' | 'post-deploy' | 'deploy-failed';

const HOOK_SECONDS = 600;

/** What a hook finds in its environment. */
export interface HookFacts {
  TAG: string;
  PREVIOUS_TAG: string;
  /** started, done, undone or failed. */
  RESULT: string;
}

/**
 * Runs ops/hooks/NAME if it is there and executable; what it writes goes to stderr, indented.
 * @throws Failure when it exits with anything but 0, or takes longer than ten minutes
 */
export async function runHook(name: HookName, facts: HookFacts): Promise<void> {
  const file = path.join(paths.hooks, name);
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) return;
  const isExecutable = await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isExecutable)
    return note(`note: ops/hooks/${name} is not executable and was passed over: chmod +x it`);
  const outcome = await attempt(file, [], { env: { ...facts }, timeoutSeconds: HOOK_SECONDS });
  const written = `${outcome.stdout}\n${outcome.stderr}`.trim();
  if (written) note(written.replaceAll(/^/gm, `  ${name} | `));
  if (outcome.exitCode === 0) return;
  throw new Failure(`the hook ${name} exited with ${outcome.exitCode}`, {
    command: `ops/hooks/${name}`,
    log: lastLines(written),
  });
}

/** A hook that cannot stop anything any more: its failure is told, not thrown. */
export async function notifyHook(name: HookName, facts: HookFacts): Promise<void> {
  await runHook(name, facts).catch((error: Error) => note(`note: ${error.message}`));
}
