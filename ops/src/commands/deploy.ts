import { alertNow } from '../host/alerts.ts';
import { testNginx, testNginxAnew } from '../host/edge.ts';
import { engineAnswers } from '../host/engine.ts';
import {
  addNewSecrets,
  createEnvFile,
  envFileExists,
  loadSettings,
  previewSettings,
  securePermissions,
} from '../host/env-file.ts';
import { notifyHook, runHook } from '../host/hooks.ts';
import { ignoreInterrupts, listenForInterrupts, stopIfInterrupted } from '../host/interrupt.ts';
import { clearJournal, type Journal, readJournal, writeJournal } from '../host/journal.ts';
import { recordEvent } from '../host/ledger.ts';
import { isHandedOver, operator, parseWait, withLock } from '../host/lock.ts';
import { hasLiveConfig, isLiveConfig, writeConfig } from '../host/nginx-config.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { readRegistryLogin } from '../host/registry-login.ts';
import { planDeploy, type Step, type StepId } from '../plan/deploy.ts';
import { canReload, type DeployFacts } from '../plan/deploy-facts.ts';
import type { RegistryLogin } from '../plan/registry-login.ts';
import type { LedgerEntry } from '../plan/releases.ts';
import { renderSite } from '../plan/site.ts';
import { EXIT, type ExitCode, Failure, formatFailure, toFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { describeMove } from './checkout.ts';
import { confirm } from './confirm.ts';
import { keepCron } from './cron.ts';
import { createDeployActions } from './deploy-actions.ts';
import { type DeployRequest, observeDeploy, refuseConflict } from './deploy-facts.ts';
import { checkSchemaChoice, checkTag } from './deploy-input.ts';
import { printPlan, printResult } from './deploy-report.ts';
import { createDeployState, type DeployState } from './deploy-state.ts';
import { followRelease } from './follow-release.ts';
import { preflight, prepareDirectories } from './preflight.ts';
import { endKilledRestore } from './restore-maintenance.ts';
import { edgeOf, ourselvesOf } from './switch-edge.ts';
import { undoDeploy } from './undo.ts';

export interface DeployOptions {
  /** An image tag on this engine or in the registry; without it the checkout is built. */
  tag?: string;
  dryRun?: boolean;
  /** Seconds to wait for another command that holds the lock. */
  wait?: string;
  /** What to do with migrations that the release does not know: nothing, down or restore. */
  schema?: string;
  /** Says yes to what would otherwise be asked. */
  yes?: boolean;
  /** Standard input holds the registry's login. */
  loginStdin?: boolean;
}

/**
 * Brings this server to a release. Observes, prints the plan, executes it under the lock.
 * @throws Failure; then what ran before goes on running
 */
export async function deploy(
  options: DeployOptions,
  what: DeployRequest['what'] = 'deploy',
): Promise<ExitCode> {
  const request: DeployRequest = {
    what,
    tag: checkTag(options.tag),
    schemaChoice: checkSchemaChoice(options.schema),
  };
  const waitSeconds = parseWait(options.wait);
  const isFirst = !(await envFileExists());
  const preview = isFirst ? await previewSettings() : await loadSettings();
  if (options.dryRun) {
    await preflight(preview);
    await describeMove(request);
    const facts = await observeDeploy(preview, request);
    printPlan(facts);
    refuseConflict(facts);
    return EXIT.done;
  }
  const login = options.loginStdin ? await readRegistryLogin() : null;
  const here = async () => {
    if (isFirst) await preflight(preview);
    if (await createEnvFile()) note('created .env (mode 600) with random secrets; it is never overwritten');
    for (const key of await addNewSecrets()) note(`added ${key} to .env, with a random value`);
    await securePermissions();
    await prepareDirectories(await loadSettings());
    if (!isHandedOver()) await reportInterrupted();
    return execute(request, options.yes === true, login);
  };
  const { exitCode, isDone } = await withLock(what, waitSeconds, () => {
    listenForInterrupts();
    return followRelease(request, {
      begin: () => begin(request),
      here,
      ...repeatRequest(request, options, login),
    });
  });
  if (!isDone) await keepCron();
  return exitCode;
}

/** From here on a kill leaves something behind, although the release's own ops code has not begun. */
async function begin({ what, tag = '' }: DeployRequest): Promise<void> {
  await reportInterrupted();
  const from = (await envFileExists()) ? (await loadSettings()).IMAGE_TAG || null : null;
  await writeJournal({
    what,
    tag,
    from,
    by: operator(),
    started: new Date().toISOString(),
    step: 'checkout',
  });
}

/** The same request for another process. */
function repeatRequest(
  { what, tag = '' }: DeployRequest,
  options: DeployOptions,
  login: RegistryLogin | null,
) {
  const words = [
    ...(what === 'deploy' ? [what, '--tag', tag] : [what, tag]),
    ...(options.schema ? ['--schema', options.schema] : []),
    ...(options.yes ? ['--yes'] : []),
    ...(login ? ['--login-stdin'] : []),
  ];
  return { words, input: login ? `${login.user} ${login.token}\n` : '' };
}

/** What a killed deploy left is written down; this one finishes or undoes it, because it looks at what is there. */
async function reportInterrupted(): Promise<void> {
  const left = await readJournal();
  if (!left) return;
  const { what, tag, by, started, step: at } = left;
  note(`note: the ${what} of ${tag} by ${by} (${started.slice(0, 19)}Z) was killed at "${at}"`);
  const seconds = (Date.now() - Date.parse(started)) / 1000;
  await recordEvent({ what, tag, by, started, seconds, result: 'interrupted', why: `killed at "${at}"` });
  await clearJournal();
}

async function execute(
  request: DeployRequest,
  isConfirmed: boolean,
  login: RegistryLogin | null,
): Promise<ExitCode> {
  const started = Date.now();
  // Observed inside the lock: another deploy may just have ended.
  const settings = await loadSettings();
  const [observed] = await Promise.all([observeDeploy(settings, request), preflight(settings)]);
  const state = createDeployState(settings, observed, login);
  const { facts } = state;
  printPlan(facts);
  refuseConflict(facts);
  await testWantedConfig(state);
  const journal: Journal = {
    what: request.what,
    ...{ tag: facts.tag, from: facts.currentTag, by: operator() },
    ...{ started: new Date(started).toISOString(), step: 'pre-deploy' },
  };
  try {
    await runHook('pre-deploy', hookFacts(facts, 'started'));
    await runPhases(state, request, journal, isConfirmed);
  } catch (error) {
    throw await fail(state, journal, error);
  }
  await finish(journal, 'done');
  await endKilledRestore(state.settings);
  await writePanelStatus(ourselvesOf(state.settings));
  printResult(state.settings, facts, Date.now() - started);
  await notifyHook('post-deploy', hookFacts(facts, 'done'));
  await alertNow(state.settings);
  return EXIT.done;
}

/**
 * What nginx will read at the switch: a mistake in it stops the deploy here. One that is about to be replaced
 * is asked in its new image. Before the very first start there is no certificate yet to test with, and nothing to lose.
 */
async function testWantedConfig({ facts, settings, compose }: DeployState): Promise<void> {
  if (!(await hasLiveConfig()) || facts.missingBaseImages.includes('NGINX_IMAGE')) return;
  const name = await writeConfig(renderSite(settings));
  if (canReload(facts) && (await isLiveConfig(name))) return;
  await (canReload(facts) ? testNginx(edgeOf(settings), name) : testNginxAnew(compose(), name));
}

/** After each of these more is known: what the image says, then what the database has. */
const PHASES: StepId[][] = [
  ['base-images', 'build', 'pull', 'ask'],
  ['data', 'wal'],
];

async function runPhases(
  state: DeployState,
  request: DeployRequest,
  journal: Journal,
  isConfirmed: boolean,
): Promise<void> {
  const observe = async () => {
    state.facts = await observeDeploy(state.settings, { ...request, tag: state.facts.tag });
    refuseConflict(state.facts);
  };
  for (const phase of PHASES) {
    const steps = planDeploy(state.facts).filter(({ id }) => phase.includes(id));
    await runSteps(state, steps, journal, observe);
    if (steps.some(({ id }) => id === 'base-images')) await testWantedConfig(state);
    if (steps.length > 0 && !steps.some(({ id }) => id === 'ask')) await observe();
  }
  const steps = planDeploy(state.facts);
  if (steps.some(({ id }) => id === 'restore') && !isConfirmed)
    await confirm('everything written to the database since that dump will be gone');
  await runSteps(state, steps, journal, observe);
}

async function runSteps(
  state: DeployState,
  steps: readonly Step[],
  journal: Journal,
  ask: () => Promise<void>,
): Promise<void> {
  const actions = { ...createDeployActions(state), ask };
  for (const { id, label } of steps) {
    stopIfInterrupted();
    await writeJournal({ ...journal, step: label });
    await step(label, actions[id]);
  }
}

/** Writes the end into the ledger; only then is nothing left to take up. */
async function finish(journal: Journal, result: LedgerEntry['result'], why?: string): Promise<void> {
  const { what, tag, started } = journal;
  const seconds = (Date.now() - Date.parse(started)) / 1000;
  await recordEvent({ what, tag, result, started, seconds, ...(why ? { why } : {}) });
  await clearJournal();
}

const ENGINE_SECONDS = 60;

/** Undoes what can be undone. @returns the failure to show, with the state the server is in now */
async function fail(state: DeployState, journal: Journal, error: unknown): Promise<Failure> {
  const { currentTag } = state.facts;
  const failure = toFailure(error);
  let result: 'undone' | 'failed' = 'failed';
  let more: Failure['details'] = {};
  ignoreInterrupts(); // one is enough: what undoes must not be stopped half-way
  try {
    await waitForEngine();
    const undone = await undoDeploy(state);
    if (undone) result = 'undone';
    more = { state: describeEnd(state, undone) };
  } catch (reason) {
    note(`undo failed: ${reason instanceof Failure ? formatFailure(reason) : reason}`);
    more = {
      state: 'in between: see the lines above',
      next: 'make status, then the same command again',
      exitCode: EXIT.human,
    };
  }
  await finish(journal, result, failure.message);
  await writePanelStatus(ourselvesOf(state.settings));
  await notifyHook('deploy-failed', hookFacts(state.facts, result));
  await alertNow(state.settings);
  if (!currentTag && !more.state) return failure;
  return new Failure(failure.message, { ...failure.details, ...more });
}

function describeEnd({ facts, committed, switched }: DeployState, undone: boolean): string {
  const { tag, currentTag } = facts;
  if (committed) return `release ${tag} serves; what came after the switch is not finished`;
  if (!undone) return 'nothing serves yet; what was started for this release is gone, data stays';
  return switched
    ? `release ${currentTag} serves again; the new containers are gone`
    : `release ${currentTag} served all the time and goes on; the new containers are gone`;
}

/** An engine that restarts in the middle comes back by itself, and so does what it ran. */
async function waitForEngine(): Promise<void> {
  const deadline = Date.now() + ENGINE_SECONDS * 1000;
  if (!(await engineAnswers())) note('the container engine does not answer; waiting for it');
  while (!(await engineAnswers())) {
    if (Date.now() > deadline) throw new Failure(`the engine is away for ${ENGINE_SECONDS} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const hookFacts = ({ tag, currentTag }: DeployFacts, result: string) => ({
  TAG: tag,
  PREVIOUS_TAG: currentTag ?? '',
  RESULT: result,
});
