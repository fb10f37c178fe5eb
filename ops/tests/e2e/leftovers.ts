import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

/** Begins the name of each clone that a test deploys from; under the directory for temporary files. */
export const CLONE_PREFIX = path.join(tmpdir(), 'atlas-e2e-');

const LABEL = 'com.docker.compose.project';
// Where git does not see it.
const ownerFile = (clone: string) => path.join(clone, '.git/test-owner');

/** A process, told from a later one of the same number by when it started (proc_pid_stat(5), field 22). */
function identify(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

/** Notes that this process will remove what the clone deploys. */
export const own = (clone: string) => writeFileSync(ownerFile(clone), identify(process.pid) ?? '');

/** From now on nobody removes it but whoever asked for it to stay. */
export const disown = (clone: string) => rmSync(ownerFile(clone), { force: true });

const isLost = (owner: string) => identify(Number.parseInt(owner, 10)) !== owner;

function isLeftover(clone: string): boolean {
  if (!existsSync(clone)) return true;
  if (!existsSync(ownerFile(clone))) return false;
  return isLost(readFileSync(ownerFile(clone), 'utf8'));
}

const OWNER = 'atlas.test.owner';

/** The same for a container or a network without a clone: arguments of `docker`, none where a run is told to keep them. */
export const ownerLabel = (): string[] =>
  process.env.TEST_KEEP_STACK ? [] : [`--label=${OWNER}=${identify(process.pid)}`];

/**
 * Removes the stacks of runs that were killed before they could: their containers come back with the engine, and take
 * the processor from every later run. A stack is one of those when it was deployed from a test's clone, and the process that
 * made the clone is gone.
 * @returns the projects that were removed, and the containers of no project
 */
export async function removeLeftovers(): Promise<string[]> {
  const format = `{{.Label "${LABEL}"}}\t{{.Label "${LABEL}.config_files"}}`;
  const { stdout } = await execa('docker', ['ps', '--all', '--format', format]);
  const removed: string[] = [];
  for (const line of new Set(stdout.split('\n'))) {
    const [project = '', files = ''] = line.split('\t');
    if (!project || removed.includes(project) || !files.startsWith(CLONE_PREFIX)) continue;
    const clone = CLONE_PREFIX + files.slice(CLONE_PREFIX.length).split('/')[0];
    if (!isLeftover(clone)) continue;
    await removeProject(project, (...args) => execa('docker', args, { reject: false }));
    rmSync(clone, { recursive: true, force: true });
    removed.push(project);
  }
  return [...removed, ...(await removeLost())];
}

/** Containers with an owner's label, each with the volume of its name, and then networks. */
async function removeLost(): Promise<string[]> {
  const list = async (kind: string, name: string) => {
    const format = `{{.${name}}}\t{{.Label "${OWNER}"}}`;
    const { stdout } = await execa('docker', [
      ...kind.split(' '),
      '--filter',
      `label=${OWNER}`,
      '--format',
      format,
    ]);
    const rows = stdout.split('\n').filter(Boolean);
    return rows
      .map((row) => row.split('\t'))
      .filter(([, owner = '']) => isLost(owner))
      .map(([one = '']) => one);
  };
  const docker = (...args: string[]) => execa('docker', args, { reject: false });
  const containers = await list('ps --all', 'Names');
  for (const name of containers) {
    await docker('rm', '--force', name);
    await docker('volume', 'rm', name);
  }
  for (const name of await list('network ls', 'Name')) await docker('network', 'rm', name);
  return containers;
}

/**
 * Removes everything that has the project's label or, for an image, its name; needs no file of the clone. What somebody
 * else still holds, such as a network, stays.
 * @param docker runs it, on the engine of the project, and does not throw
 */
export async function removeProject(
  project: string,
  docker: (...args: string[]) => Promise<{ stdout: string }>,
): Promise<void> {
  const filter = `label=${LABEL}=${project}`;
  const remove = async (list: string[], command: string[]) => {
    const { stdout } = await docker(...list, '--quiet');
    const ids = new Set(stdout.split('\n').filter(Boolean));
    if (ids.size > 0) await docker(...command, ...ids);
  };
  await remove(['container', 'ls', '--all', '--filter', filter], ['container', 'rm', '--force', '--volumes']);
  await remove(['volume', 'ls', '--filter', filter], ['volume', 'rm', '--force']);
  await remove(['network', 'ls', '--filter', filter], ['network', 'rm']);
  await remove(['image', 'ls', project], ['image', 'rm', '--force']);
  rmSync(path.join('/etc/cron.d', project), { force: true });
}
