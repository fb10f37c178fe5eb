import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { findContainer, listContainers } from '../host/containers.ts';
import { type Edge, isInMaintenance, readUpstream, reloadNginx, writeUpstream } from '../host/edge.ts';
import { type Answer, askOurselves, askSecurely, inUrl, type Ourselves } from '../host/http.ts';
import { type Container, containerName } from '../plan/containers.ts';
import { listNames } from '../plan/site.ts';
import { Failure } from '../report/failure.ts';

const REHEARSAL_PORT = 8444;
/** Asked of every release: that it is ready, and that what the public wants is no server error. */
const CHECKED_PATHS = ['/readyz', '/api/salons?limit=1'];
const CHECK_ATTEMPTS = 3;

export function edgeOf(settings: Settings): Edge {
  return {
    container: containerName(settings.COMPOSE_PROJECT_NAME, 'nginx'),
    httpPort: Number(settings.HTTP_PORT),
  };
}

/** How this server's own public way in is asked from here. */
export function ourselvesOf(settings: Settings): Ourselves {
  return { port: Number(settings.HTTPS_PORT), name: listNames(settings)[0] ?? 'localhost' };
}

const networkOf = (settings: Settings) => `${settings.COMPOSE_PROJECT_NAME}_web`;

/** Writes the list of containers that serve, as they are now. */
export async function pointNginxAt(settings: Settings, containers: readonly Container[]): Promise<void> {
  const network = networkOf(settings);
  await writeUpstream(containers.map(({ name, addresses }) => ({ name, address: addresses[network] ?? '' })));
}

/**
 * The containers that nginx sends requests to. Before the first list there is only compose's own name `api`,
 * behind which new containers would appear at once: then those that run are listed and nginx told.
 */
export async function pinServing(settings: Settings, nginxRuns: boolean): Promise<string[]> {
  const api = (await listContainers(settings.COMPOSE_PROJECT_NAME, 'api')).filter(
    (one) => one.status === 'running',
  );
  const listed = await readUpstream();
  const serving = api.filter((one) => listed.includes(one.name));
  if (serving.length > 0 || api.length === 0 || !nginxRuns) return serving.map((one) => one.name);
  await pointNginxAt(settings, api);
  await reloadNginx(edgeOf(settings));
  return api.map((one) => one.name);
}

/**
 * Asks new containers through nginx, on a port that nobody else reaches, what the public will ask them: a
 * release that answers with errors is refused before it has met a client.
 * @throws Failure with the answer
 */
export async function rehearse(
  settings: Settings,
  tag: string,
  containers: readonly Container[],
): Promise<void> {
  const nginx = await findContainer(edgeOf(settings).container);
  const host = nginx?.addresses[networkOf(settings)];
  if (!host) return;
  for (const { name } of containers)
    for (const path of CHECKED_PATHS)
      await insist(tag, {
        who: `${name}, asked through nginx before the switch,`,
        path,
        command: `curl -k -H 'x-atlas-rehearsal: ${name}' https://${host}:${REHEARSAL_PORT}${path}`,
        ask: () =>
          askSecurely(
            { host, port: REHEARSAL_PORT, name: 'localhost', headers: { 'x-atlas-rehearsal': name } },
            path,
          ),
      });
}

/** The public's own way in. @param seconds how long nginx may take to come up  @throws Failure with the last answer */
export async function checkPublicly(settings: Settings, tag: string, seconds: number): Promise<void> {
  const ourselves = ourselvesOf(settings);
  const url = `https://${inUrl(ourselves.name)}:${ourselves.port}`;
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline && (await verdictOf(tag, () => askOurselves(ourselves, '/readyz'))) !== null)
    await delay(200);
  // In maintenance nginx itself answers everything but the readiness.
  const checked = (await isInMaintenance()) ? CHECKED_PATHS.slice(0, 1) : CHECKED_PATHS;
  for (const path of checked)
    await insist(tag, {
      who: `release ${tag}, asked at ${url}`,
      path,
      command: `curl -k --connect-to ::127.0.0.1: ${url}${path}`,
      ask: () => askOurselves(ourselves, path),
    });
}

interface Question {
  who: string;
  path: string;
  /** The same question, for whoever reads the failure. */
  command: string;
  ask: () => Promise<Answer>;
}

async function insist(tag: string, { who, path, command, ask }: Question): Promise<void> {
  let verdict: string | null = null;
  for (let attempts = 0; attempts < CHECK_ATTEMPTS; attempts += 1) {
    verdict = await verdictOf(tag, ask);
    if (verdict === null) return;
    await delay(100);
  }
  throw new Failure(`the public check failed: ${who} does not answer ${path} as it should`, {
    command,
    log: verdict ?? '',
    next: 'make logs SERVICE=api',
  });
}

/** What is wrong with an answer; null when it comes from the release and is no server error. */
async function verdictOf(tag: string, ask: () => Promise<Answer>): Promise<string | null> {
  const answer = await ask().catch((error: Error) => error);
  if (answer instanceof Error) return answer.message;
  const { status, release, body } = answer;
  if (status < 500 && release === tag) return null;
  return `HTTP ${status} from release ${release ?? 'unknown'}: ${body.slice(0, 300)}`;
}
