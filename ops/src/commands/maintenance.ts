import { findContainer } from '../host/containers.ts';
import { isInMaintenance, reloadNginx, writeMaintenance } from '../host/edge.ts';
import { loadSettings } from '../host/env-file.ts';
import { withLock } from '../host/lock.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { edgeOf, ourselvesOf } from './switch-edge.ts';

/**
 * Turns maintenance on or off; without a state says which it is.
 * @throws Failure when nginx does not take it; then all is as before
 */
export async function maintenance(state: string | undefined): Promise<ExitCode> {
  if (state !== undefined && state !== 'on' && state !== 'off')
    throw new Failure(`"${state}" is neither on nor off`, {
      next: 'make maintenance on, or make maintenance off',
      exitCode: EXIT.usage,
    });
  if (state === undefined) {
    note(`maintenance is ${(await isInMaintenance()) ? 'on' : 'off'}`);
    return EXIT.done;
  }
  const settings = await loadSettings();
  const edge = edgeOf(settings);
  return withLock('maintenance', 0, async () => {
    const before = await isInMaintenance();
    await writeMaintenance(state === 'on');
    if ((await findContainer(edge.container))?.status !== 'running') {
      note(`maintenance is ${state} as soon as nginx runs; it does not now`);
      return EXIT.done;
    }
    await reloadNginx(edge).catch(async (error) => {
      await writeMaintenance(before);
      throw error;
    });
    note(`maintenance is ${state}`);
    await writePanelStatus(ourselvesOf(settings));
    return EXIT.done;
  });
}
