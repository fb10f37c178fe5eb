import { reportConditions } from '../host/alerts.ts';
import { loadSettings } from '../host/env-file.ts';
import { writePanelStatus } from '../host/panel-status.ts';
import type { Condition } from '../plan/alerts.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { formatTable } from '../report/table.ts';
import { observeConditions } from './conditions.ts';
import { ourselvesOf } from './switch-edge.ts';

/**
 * Looks at everything that an alert may be about, tells ALERT_URL what is due and refreshes what the panel shows. Cron
 * runs it every half a minute. Takes no lock: it looks during a deploy, too. Exit 1 when something is wrong.
 */
export async function health(options: { json?: boolean }): Promise<ExitCode> {
  const settings = await loadSettings();
  const conditions = await observeConditions(settings);
  const [refusals] = await Promise.all([
    reportConditions(settings, conditions),
    writePanelStatus(ourselvesOf(settings)),
  ]);
  for (const refusal of refusals) note(`note: an alert was not delivered: ${refusal}`);
  process.stdout.write(
    `${options.json ? JSON.stringify({ conditions, refusals }, null, 2) : formatConditions(conditions)}\n`,
  );
  return conditions.some(({ state }) => state === 'wrong') ? EXIT.failed : EXIT.done;
}

function formatConditions(conditions: readonly Condition[]): string {
  return formatTable(
    conditions.map(({ name, state, title, next }) => [
      state === 'wrong' ? 'WRONG' : state,
      name,
      state === 'wrong' ? `${title}; next: ${next}` : title,
    ]),
  );
}
