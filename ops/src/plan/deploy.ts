import { canReload, type DeployFacts, isUpToDate, runs, runsAsWanted } from './deploy-facts.ts';
import { formatMigrations, planDown } from './schema.ts';

export type StepId =
  | 'base-images'
  | 'build'
  | 'pull'
  | 'ask'
  | 'data'
  | 'wal'
  | 'point'
  | 'dump'
  | 'migrate'
  | 'restore'
  | 'beside'
  | 'down'
  | 'switch'
  | 'drain'
  | 'worker'
  | 'retire'
  | 'settle'
  | 'nginx'
  | 'check'
  | 'record'
  | 'certificate'
  | 'base'
  | 'prune';

export interface Step {
  id: StepId;
  label: string;
}

export const DATA_SERVICES = ['postgres', 'redis_cache', 'redis_queue'] as const;

/** The steps from the facts to the wanted release, in order. Pure: the same facts give the same plan. */
export function planDeploy(facts: DeployFacts): Step[] {
  const { tag } = facts;
  const isDone = isUpToDate(facts);
  const steps: (Step | false)[] = [
    facts.missingBaseImages.length > 0 && {
      id: 'base-images',
      label: `${facts.buildBaseImages ? 'build' : 'pull'} base images: ${facts.missingBaseImages.join(', ')}`,
    },
    facts.imageSource === 'build' && { id: 'build', label: `build image ${tag} from this checkout` },
    facts.imageSource === 'pull' && { id: 'pull', label: `pull image ${tag}` },
    facts.imageSource !== 'present' && {
      id: 'ask',
      label: `ask ${tag} whether it accepts the settings, and for its migrations`,
    },
    ...(isDone ? [] : planChange(facts)),
    facts.nginxConfigChanged &&
      (isDone || runsAsWanted(facts, 'api')) && {
        id: 'nginx',
        label: 'test and reload the changed nginx configuration',
      },
    { id: 'check', label: `check https through nginx: release ${tag} answers` },
    facts.currentTag !== tag && { id: 'record', label: `IMAGE_TAG=${tag} in .env` },
    facts.certificate !== null && {
      id: 'certificate',
      label: `certificate ${facts.certificate}; until then what there is`,
    },
    facts.needsBase && { id: 'base', label: 'base backup: from it on every second can be restored' },
    facts.prunable.length > 0 && { id: 'prune', label: `remove old images: ${facts.prunable.join(', ')}` },
  ];
  return steps.filter((step) => step !== false);
}

function planChange(facts: DeployFacts): Step[] {
  const { tag } = facts;
  const replaced = DATA_SERVICES.filter((service) => !runsAsWanted(facts, service));
  const replacesApi = !runsAsWanted(facts, 'api');
  const steps: (Step | false)[] = [
    replaced.length > 0 && { id: 'data', label: describeData(facts, replaced) },
    !runsAsWanted(facts, 'wal') && { id: 'wal', label: 'WAL receiver with its role, receiving' },
    { id: 'point', label: `restore point ${pointOf(tag)}` },
    ...planSchemaSteps(facts),
    replacesApi && { id: 'beside', label: `${describeApi(facts)}, ready` },
    ...planDownSteps(facts),
    replacesApi && { id: 'switch', label: describeSwitch(facts) },
    // Before the new worker: the new api, still cold, needs the processor now.
    replacesApi && canReload(facts) && { id: 'drain', label: 'requests in flight at the old api finished' },
    !runsAsWanted(facts, 'worker') && {
      id: 'worker',
      label: `worker of ${tag}${besideOld(facts, 'worker')}, ready`,
    },
    { id: 'retire', label: 'old api stopped; old worker finished its jobs and stopped' },
    { id: 'settle', label: `all services as compose wants them on ${tag}, healthy` },
  ];
  const hasOld = facts.containers.some((one) => ['api', 'worker'].includes(one.service));
  return steps
    .filter((step) => step !== false)
    .filter(({ id }) => hasOld || !['point', 'drain', 'retire'].includes(id));
}

/**
 * Whether certbot is brought up before the release: where it does not run yet, because nginx would wait for its first
 * certificate at the switch. Not where a CA is asked for one: nginx has to answer that, and the wait for it has begun then.
 */
const needsCertbotEarly = (facts: DeployFacts) => facts.certificate === null && !runs(facts, 'certbot');

/** What is brought up before the release. */
export const earlyServices = (facts: DeployFacts): string[] =>
  needsCertbotEarly(facts) ? [...DATA_SERVICES, 'certbot'] : [...DATA_SERVICES];

/** Name of the restore point from before a release. */
export const pointOf = (tag: string) => `deploy-${tag}`;

function describeData(facts: DeployFacts, replaced: readonly string[]): string {
  const cut = replaced.filter((service) => runs(facts, service));
  const note = cut.length > 0 ? ` (${cut.join(', ')} replaced: requests may fail meanwhile)` : '';
  return `postgres, both Redis${needsCertbotEarly(facts) ? ', certbot' : ''} up and healthy${note}`;
}

function describeApi(facts: DeployFacts): string {
  const { tag, replicas } = facts;
  return `api of ${tag}${replicas > 1 ? `, ${replicas} of it,` : ''}${besideOld(facts, 'api')}`;
}

const besideOld = ({ containers }: DeployFacts, service: string) =>
  containers.some((one) => one.service === service) ? ' beside the old one' : '';

function describeSwitch(facts: DeployFacts): string {
  if (canReload(facts)) return `nginx sends requests to ${facts.tag} alone`;
  return runs(facts, 'nginx')
    ? `nginx replaced (its container changes: open connections are cut), sends requests to ${facts.tag}`
    : `nginx up, sends requests to ${facts.tag}`;
}

/** Before the new api: dump and migrate, or the whole database taken back. */
function planSchemaSteps({ schema, schemaChoice, tag, dumpId }: DeployFacts): Step[] {
  const migrate = (what: string): Step => ({
    id: 'migrate',
    label: `migrate the database with ${tag}${what}`,
  });
  const dump: Step = { id: 'dump', label: 'dump of the database' };
  if (!schema)
    return [{ ...dump, label: `${dump.label}, if migrations are pending` }, migrate(', if any are pending')];
  if (schemaChoice === 'restore' && schema.ahead.length > 0)
    return [{ id: 'restore', label: `database back to the dump ${dumpId}; the site is down meanwhile` }];
  if (schema.pending.length === 0) return [];
  const names = formatMigrations(schema.pending);
  const warning = schema.pending.some((one) => one.breaking)
    ? '; the old release may fail until the switch'
    : '';
  return [dump, migrate(`: ${names}${warning}`)];
}

/** After the new api is ready, so that as little time as possible passes between down and switch. */
function planDownSteps({ schema, schemaChoice, newerTag }: DeployFacts): Step[] {
  const down = schema && schemaChoice === 'down' ? planDown(schema.image, schema.database) : null;
  if (!down) return [];
  return [
    {
      id: 'down',
      label: `undo migrations with ${newerTag}: ${down.undone.join(', ')}`,
    },
  ];
}
