import {
  clearDeparture,
  compareCommits,
  type Departure,
  moveCheckout,
  readDeparture,
  writeDeparture,
} from '../host/checkout.ts';
import { listContainers } from '../host/containers.ts';
import { reloadNginx, testNginx } from '../host/edge.ts';
import { envFileExists, loadSettings, rememberKeys } from '../host/env-file.ts';
import { runUnderLock } from '../host/handover.ts';
import { stopIfInterrupted } from '../host/interrupt.ts';
import { clearJournal } from '../host/journal.ts';
import { isHandedOver } from '../host/lock.ts';
import { adoptConfig, isLiveConfig, nameConfig, writeConfig } from '../host/nginx-config.ts';
import { describeChanges } from '../plan/checkout.ts';
import { SERVICES } from '../plan/containers.ts';
import { runsAsWanted } from '../plan/deploy-facts.ts';
import { renderSite } from '../plan/site.ts';
import { EXIT, type ExitCode, Failure, formatFailure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { type Move, planMove, refuseEdited } from './checkout.ts';
import { type DeployRequest, observeDeploy } from './deploy-facts.ts';
import { edgeOf } from './switch-edge.ts';

/** How a deploy goes on once the checkout is that of its release. */
export interface Continuation {
  /** Writes down what is about to begin, before the checkout moves. */
  begin: () => Promise<void>;
  /** In this process: nothing had to be moved. */
  here: () => Promise<ExitCode>;
  /** What the ops/atlas of the release is asked for, and what it reads from standard input. */
  words: string[];
  input: string;
}

/**
 * Lets a deploy or rollback be done by the ops code, with the compose and nginx files, of its own release: where git
 * knows its tag, the checkout moves there first and that checkout's ops/atlas goes on under the same lock. A release
 * that does not get to serve takes the checkout back with it.
 * @returns the exit code, and whether another process has done all of it
 * @throws Failure (exit 2) before anything is changed when files are in the way that were edited here
 */
export async function followRelease(
  { tag, what }: DeployRequest,
  { begin, here, words, input }: Continuation,
): Promise<{ exitCode: ExitCode; isDone: boolean }> {
  // Whoever has moved the checkout for us looks after it.
  if (isHandedOver()) return { exitCode: await here(), isDone: false };
  const move = tag ? await planMove(tag, what) : null;
  stopIfInterrupted();
  if (move) await begin();
  try {
    if (move) await step(`checkout at ${tag} (${describeChanges(move.changes)})`, () => leave(move));
    const exitCode = move ? await runUnderLock(words, input) : await here();
    if (exitCode === null) throw describeKilled(what, tag);
    if (exitCode !== EXIT.human) await arrive(tag, exitCode === EXIT.done);
    if (move && exitCode !== EXIT.human) await clearJournal(); // it may have ended before it wrote one of its own
    return { exitCode, isDone: move !== null };
  } catch (error) {
    if (error instanceof Failure && error.exitCode !== EXIT.human) await arrive(tag, false);
    throw error;
  }
}

/** Then everything stays as it is, for the next deploy or rollback to find. */
function describeKilled(what: string, tag: string | undefined): Failure {
  return new Failure(`the ${what} of ${tag} was killed`, {
    state: 'in between; what served goes on serving',
    next: 'the same command again, or make rollback',
    exitCode: EXIT.human,
  });
}

async function leave({ from, to, changes }: Move): Promise<void> {
  await rememberKeys();
  // The first place counts: a deploy that was killed may have come from there.
  const left = await readDeparture();
  await writeDeparture({ from: left?.from ?? from, to: to.commit });
  await moveCheckout(to, changes);
}

/** The end of a deploy: the checkout is that of the release which serves. */
async function arrive(tag: string | undefined, isDone: boolean): Promise<void> {
  const left = await readDeparture();
  try {
    if (left && tag && !isDone && !(await serves(tag))) await goBack(left);
  } catch (error) {
    note('note: not everything is as the release that serves had it:');
    note(error instanceof Failure ? formatFailure(error) : String(error));
    return;
  }
  await clearDeparture();
}

async function goBack({ from, to }: Departure): Promise<void> {
  const { changes, edited } = await compareCommits(to, from.commit);
  if (edited.length > 0) throw refuseEdited('the release before', edited);
  await moveCheckout(from, changes);
  note(`undo: the checkout is where it was (${describeChanges(changes)})`);
  await tidyUp();
}

/** Whether the api that serves is that of the release, and of no other. */
async function serves(tag: string): Promise<boolean> {
  if (!(await envFileExists())) return false;
  const { IMAGE_NAME, COMPOSE_PROJECT_NAME } = await loadSettings();
  const api = await listContainers(COMPOSE_PROJECT_NAME, 'api');
  const running = api.filter(({ status }) => status === 'running');
  return running.length > 0 && running.every(({ image }) => image === `${IMAGE_NAME}:${tag}`);
}

/** What a deploy that was undone leaves of its files: nginx reads the former ones again, of the rest is told. */
async function tidyUp(): Promise<void> {
  const settings = await loadSettings();
  const tag = settings.IMAGE_TAG;
  if (!tag) return;
  if (!(await isLiveConfig(await nameConfig(renderSite(settings))))) {
    const name = await writeConfig(renderSite(settings));
    await testNginx(edgeOf(settings), name);
    await adoptConfig(name);
    await reloadNginx(edgeOf(settings));
    note('undo: nginx reads the configuration from before again');
  }
  const facts = await observeDeploy(settings, { what: 'deploy', tag, schemaChoice: 'keep' });
  const other = SERVICES.filter((service) => !runsAsWanted(facts, service));
  if (other.length > 0)
    note(`note: not as ${tag} has them: ${other.join(', ')}; make deploy TAG=${tag} brings them back`);
}
