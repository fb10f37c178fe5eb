import type { Settings } from '../config/validate.ts';
import { planDeploy } from '../plan/deploy.ts';
import { type DeployFacts, describeAhead } from '../plan/deploy-facts.ts';
import { formatSeconds, note } from '../report/steps.ts';

/** The plan, before anything is done. */
export function printPlan(facts: DeployFacts): void {
  const from = facts.currentTag && facts.currentTag !== facts.tag ? ` (now ${facts.currentTag})` : '';
  note(`plan: release ${facts.tag}${from}`);
  for (const { label } of planDeploy(facts)) note(`  - ${label}`);
  const ahead = describeAhead(facts);
  if (ahead) note(`  note: ${ahead}`);
  note('');
}

/** The end: what serves, how long it took, where, and how to go back. */
export function printResult(settings: Settings, facts: DeployFacts, milliseconds: number): void {
  const port = settings.HTTPS_PORT === '443' ? '' : `:${settings.HTTPS_PORT}`;
  note('');
  note(`release  ${facts.tag}, ${formatSeconds(milliseconds)}`);
  const host = settings.DOMAIN?.split(',')[0] ?? 'localhost';
  note(`url      https://${host}${port}   admin panel: https://${host}${port}/admin`);
  if (facts.currentTag && facts.currentTag !== facts.tag)
    note(`undo     make rollback TAG=${facts.currentTag}`);
  if (!facts.currentTag) note('next     make admin EMAIL=you@example.org   make token NAME=me   make status');
}
