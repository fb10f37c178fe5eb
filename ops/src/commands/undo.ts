import { reloadNginx } from '../host/edge.ts';
import { note } from '../report/steps.ts';
import { appOf, type DeployState } from './deploy-state.ts';
import { waitForDrain } from './drain.ts';
import { restoreOneShot, undoSchema } from './schema-actions.ts';
import { edgeOf, pointNginxAt } from './switch-edge.ts';

/**
 * Takes back what the deploy has begun, in the order that the release which goes on serving needs: first the
 * schema, then the requests, then the new containers go.
 * @returns whether that release serves as if nothing had been
 * @throws whatever stands in the way; then a human must look
 */
export async function undoDeploy(state: DeployState): Promise<boolean> {
  const { currentTag } = state.facts;
  if (state.committed) return false;
  const schema = await undoSchema(state);
  if (schema) note(`undo: database: ${schema}`);
  if (state.switched && state.serving.length > 0) await switchBack(state);
  if (state.app) await state.app.removeCurrent(state.serving);
  await restoreOneShot(state);
  return currentTag !== null;
}

async function switchBack(state: DeployState): Promise<void> {
  const { facts, settings } = state;
  const { outdated, current } = await appOf(state).find('api');
  await pointNginxAt(
    settings,
    [...outdated, ...current].filter((one) => state.serving.includes(one.name)),
  );
  const before = await reloadNginx(edgeOf(settings));
  note(`undo: nginx sends requests to release ${facts.currentTag} again`);
  await waitForDrain(edgeOf(settings), before, Number(settings.DRAIN_SECONDS));
}
