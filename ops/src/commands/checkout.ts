import {
  canMoveOn,
  compareCommits,
  describeUnreachable,
  fetchTag,
  findPosition,
  findTag,
  isKept,
} from '../host/checkout.ts';
import { type Change, describeChanges, type Position } from '../plan/checkout.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import type { DeployRequest } from './deploy-facts.ts';

/** A move of the checkout to a release's own commit. */
export interface Move {
  from: Position;
  to: Position;
  changes: Change[];
}

/** Says what `make deploy TAG= DRY_RUN=1` would do to the checkout; asks nobody elsewhere. */
export async function describeMove({ tag, what }: DeployRequest): Promise<void> {
  const from = tag ? await findPosition() : null;
  if (!tag || !from) return;
  const move = await planMove(tag, what, true);
  if (!move) return;
  note(
    `checkout: moves to ${tag} first: ${describeChanges(move.changes)}; the plan is made with the files of now`,
  );
}

/**
 * @param isDry asks git's remote nothing
 * @returns null when the checkout stays where it is, which is said unless it is there already
 * @throws Failure when it should move and cannot
 */
export async function planMove(
  tag: string,
  what: DeployRequest['what'],
  isDry = false,
): Promise<Move | null> {
  const from = await findPosition();
  const stays = (why: string) => {
    note(`note: ${why}: compose and nginx stay as they are in this directory`);
    return null;
  };
  if (!from) return stays('this directory is not a git checkout');
  const here = await findTag(tag);
  if (!here && isDry) {
    note(`note: git has no tag ${tag} here; the deploy itself asks its remote`);
    return null;
  }
  const commit = here ?? (await bring(tag, what));
  if (!commit) return stays(`git knows no tag ${tag}`);
  if (commit === from.commit) return null;
  if (!(await canMoveOn(commit))) return stays(`the ops code of ${tag} is too old to follow releases`);
  if (!from.branch && !(await isKept(from.commit))) throw refuseLoss(from);
  const { changes, edited } = await compareCommits(from.commit, commit);
  if (edited.length > 0) throw refuseEdited(tag, edited);
  return { from, to: { commit, branch: null }, changes };
}

/** A tag from elsewhere. A rollback does without when nobody answers: it may be needed just then. */
async function bring(tag: string, what: DeployRequest['what']): Promise<string | null> {
  const fetched = await fetchTag(tag);
  if (fetched.what === 'unreachable' && what === 'deploy') throw describeUnreachable(tag, fetched.outcome);
  return fetched.what === 'fetched' ? findTag(tag) : null;
}

export function refuseEdited(tag: string, edited: readonly string[]): Failure {
  return new Failure(`edited here, and different in ${tag}: ${edited.join(', ')}`, {
    state: 'nothing was changed',
    next: `keep what you need of it elsewhere (git diff -- ${edited[0]}), then git checkout -- ${edited.join(' ')}; a file that git does not track: move it away`,
    exitCode: EXIT.usage,
  });
}

function refuseLoss({ commit }: Position): Failure {
  return new Failure(`this checkout is at ${commit.slice(0, 12)}, to which no branch and no tag leads`, {
    state: 'nothing was changed',
    next: 'git branch NAME keeps that commit; then the same command again',
    exitCode: EXIT.usage,
  });
}
