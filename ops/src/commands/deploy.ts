import type { Settings } from '../config/validate.ts';
import { listContainers } from '../host/compose.ts';
import {
  createEnvFile,
  envFileExists,
  loadSettings,
  previewSettings,
  securePermissions,
} from '../host/env-file.ts';
import { recordEvent } from '../host/ledger.ts';
import { withLock } from '../host/lock.ts';
import { type DeployFacts, planDeploy } from '../plan/deploy.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { formatSeconds, note, step } from '../report/steps.ts';
import { createDeployActions } from './deploy-actions.ts';
import { observeDeploy } from './deploy-facts.ts';
import { preflight, prepareDirectories } from './preflight.ts';

export interface DeployOptions {
  /** An image tag on this engine or in the registry; without it the checkout is built. */
  tag?: string;
  dryRun?: boolean;
}

/**
 * Brings this server to a release. Observes, prints the plan, executes it under the lock.
 * @throws Failure; then what ran before goes on running
 */
export async function deploy(options: DeployOptions): Promise<ExitCode> {
  const tag = checkTag(options.tag);
  const isFirst = !(await envFileExists());
  const preview = isFirst ? await previewSettings() : await loadSettings();
  await preflight(preview, await listContainers(preview.COMPOSE_PROJECT_NAME));
  if (options.dryRun) {
    printPlan(await observeDeploy(preview, tag));
    return EXIT.done;
  }
  return withLock('deploy', async () => {
    if (await createEnvFile()) note('created .env (mode 600) with random secrets; it is never overwritten');
    await securePermissions();
    await prepareDirectories();
    // Observed again inside the lock: another deploy may just have ended.
    const settings = await loadSettings();
    return execute(settings, await observeDeploy(settings, tag));
  });
}

async function execute(settings: Settings, facts: DeployFacts): Promise<ExitCode> {
  printPlan(facts);
  const started = Date.now();
  const event = (result: 'done' | 'failed' | 'undone', why?: string) =>
    recordEvent({
      what: 'deploy',
      tag: facts.tag,
      result,
      started: new Date(started).toISOString(),
      seconds: (Date.now() - started) / 1000,
      ...(why ? { why } : {}),
    });
  const actions = createDeployActions(settings, facts);
  try {
    for (const { id, label } of planDeploy(facts)) await step(label, actions[id]);
  } catch (error) {
    const undone = await actions.undo();
    await event(undone ? 'undone' : 'failed', error instanceof Error ? error.message : String(error));
    throw error;
  }
  await event('done');
  printResult(settings, facts, Date.now() - started);
  return EXIT.done;
}

function checkTag(tag: string | undefined): string | undefined {
  if (!tag) return undefined;
  if (/^\w[\w.-]{0,127}$/.test(tag)) return tag;
  throw new Failure(`"${tag}" is not an image tag: letters, digits, ".", "_" and "-" are allowed`, {
    state: 'nothing was changed',
    next: 'make deploy TAG=v1.2.3',
    exitCode: EXIT.usage,
  });
}

function printPlan(facts: DeployFacts): void {
  const steps = planDeploy(facts);
  const from = facts.currentTag && facts.currentTag !== facts.tag ? ` (now ${facts.currentTag})` : '';
  note(`plan: release ${facts.tag}${from}`);
  for (const { label } of steps) note(`  - ${label}`);
  note('');
}

function printResult(settings: Settings, facts: DeployFacts, milliseconds: number): void {
  const port = settings.HTTPS_PORT === '443' ? '' : `:${settings.HTTPS_PORT}`;
  note('');
  note(`release  ${facts.tag}, ${formatSeconds(milliseconds)}`);
  note(`url      https://localhost${port}   admin panel: https://localhost${port}/admin`);
  if (facts.currentTag && facts.currentTag !== facts.tag)
    note(`undo     make deploy TAG=${facts.currentTag}`);
  if (!facts.currentTag) note('next     make admin EMAIL=you@example.org   make token NAME=me   make status');
}
