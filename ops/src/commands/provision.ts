import {
  findCommit,
  hasLocalEdits,
  readOrigin,
  readPublicKey,
  readSettingsFile,
} from '../host/laptop-repository.ts';
import { paths } from '../host/paths.ts';
import { composeProvisionScript, wrapScript } from '../host/provision-script.ts';
import { readRegistryLogin } from '../host/registry-login.ts';
import { checkHost, pushAsRoot, type Remote, runScriptAsRoot } from '../host/ssh.ts';
import {
  describeNotes,
  type MachineReport,
  parseReport,
  planProvision,
  type Source,
} from '../plan/provision.ts';
import type { RegistryLogin } from '../plan/registry-login.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';
import { checkTag } from './deploy-input.ts';

export interface ProvisionOptions {
  /** `[user@]host`: root, or somebody who may `sudo` without a password. */
  host?: string;
  /** A file of host keys instead of ~/.ssh/known_hosts. */
  knownHosts?: string;
  /** The release to begin with; without it the VPS builds this checkout's commit. */
  tag?: string;
  /** A file with the public half of CI's key. */
  key?: string;
  /** Where the VPS fetches later tags; without it this repository's own origin. */
  repo?: string;
  /** A file with settings for the first deploy. */
  envFile?: string;
  /** No passwords for SSH any more. */
  harden?: boolean;
  /** Standard input holds the registry's login for the first deploy. */
  loginStdin?: boolean;
  dryRun?: boolean;
}

/** Where the checkout lies on a VPS, and its commit until the first checkout. */
const ROOT = '/opt/sevra-atlas';
const WANTED = 'refs/provision/wanted';
const AGAIN = 'mend what the lines above say, then run the same command again: it goes on from here';

/**
 * Brings a bare VPS to its first release, over SSH. Looks, prints what it would change, changes it; a second run finds
 * nothing to change.
 * @throws Failure; what was changed before it stays, and the next run goes on from there
 */
export async function provision(options: ProvisionOptions): Promise<ExitCode> {
  const remote: Remote = { host: checkHost(options.host), knownHosts: options.knownHosts };
  const source = await describeSource(checkTag(options.tag));
  const settings = options.envFile ? await readSettingsFile(options.envFile) : '';
  const names = await nameInputs(options);
  const login = options.loginStdin ? await readRegistryLogin() : null;

  const look = await askMachine(remote, { ...names, dry_run: '1' });
  const plan = planProvision(look, source, ROOT);
  const notes = describeNotes(look, source, remote.host);
  if (plan.sends && (await hasLocalEdits())) notes.push('what is not committed here does not get there');
  if (options.envFile && !plan.deploys)
    notes.push('ENV_FILE is for the time before the first deploy; make env-import changes the settings now');
  printPlan(remote, plan.lines, notes, options.dryRun === true);
  if (options.dryRun || plan.lines.length === 0) return EXIT.done;

  if (plan.machine.length > 0) await askMachine(remote, { ...names, dry_run: '' });
  if (plan.sends) await step(`send the repository to ${remote.host}:${ROOT}`, () => send(remote, source));
  if (plan.checksOut) await checkOut(remote, source);
  if (plan.deploys) await deployFirst(remote, source.tag, settings, login);
  note(`next: make status HOST=${remote.host}`);
  return EXIT.done;
}

async function describeSource(tag: string | undefined): Promise<Source> {
  const tagged = tag ? await findCommit(`refs/tags/${tag}`) : null;
  const commit = tagged ?? (await findCommit('HEAD'));
  if (!commit)
    throw new Failure(`${paths.root} is not a git repository with a commit`, {
      state: 'nothing was changed',
      next: 'run this from a clone of the repository',
      exitCode: EXIT.usage,
    });
  return { commit, tag: tag ?? null, isTagKnown: tagged !== null };
}

/** What ops/provision/main.sh is told. */
async function nameInputs({ key, repo, tag, harden }: ProvisionOptions): Promise<Record<string, string>> {
  const ci = key ? await readPublicKey(key) : { key: '', fingerprint: '' };
  return {
    root: ROOT,
    origin: checkRepository(repo ?? (await readOrigin())),
    tag_wanted: tag ?? '',
    ci_key: ci.key,
    ci_key_fingerprint: ci.fingerprint,
    harden: harden ? '1' : '',
  };
}

/** An address with a password in it would be read by everybody who lists processes there. */
function checkRepository(address: string): string {
  if (!/^-|\s|^\w+:\/\/[^/@]*:[^/@]*@/.test(address)) return address;
  throw new Failure('REPO is no address of a repository, or holds a password', {
    state: 'nothing was changed',
    next: 'give it without the password: a private repository is read by a deploy key on the VPS',
    exitCode: EXIT.usage,
  });
}

async function askMachine(remote: Remote, names: Record<string, string>): Promise<MachineReport> {
  return parseReport(await runScriptAsRoot(remote, await composeProvisionScript(names), AGAIN));
}

function printPlan({ host }: Remote, lines: string[], notes: string[], isDryRun: boolean): void {
  if (lines.length === 0) note(`${host}: nothing to change`);
  else
    note(
      [`${host}: ${isDryRun ? 'would change' : 'changes'}`, ...lines.map((line) => `  - ${line}`)].join('\n'),
    );
  for (const line of notes) note(`note: ${line}`);
}

async function send(remote: Remote, { commit, tag, isTagKnown }: Source): Promise<void> {
  const tagRef = `refs/tags/${tag}`;
  const refspecs = [`+${commit}:${WANTED}`, ...(isTagKnown ? [`${tagRef}:${tagRef}`] : [])];
  await pushAsRoot(remote, paths.root, ROOT, refspecs);
}

/** git itself refuses to overwrite what somebody has edited there. */
async function checkOut(remote: Remote, { commit }: Source): Promise<void> {
  const script = wrapScript(
    { root: ROOT, commit },
    'umask 022; git -C "$root" checkout --quiet --detach "$commit"',
  );
  await step(`check out ${commit.slice(0, 7)}`, async () => {
    await runScriptAsRoot(remote, script, AGAIN);
  });
}

/** Settings and login go on by pipes: never an argument. */
async function deployFirst(
  remote: Remote,
  tag: string | null,
  settings: string,
  login: RegistryLogin | null,
): Promise<void> {
  const names = { root: ROOT, tag: tag ?? '', settings, login: login ? `${login.user} ${login.token}` : '' };
  const body = [
    'cd -- "$root"',
    `[[ -z $settings ]] || printf '%s\\n' "$settings" | ops/atlas env-import`,
    `printf '%s\\n' "$login" | ops/atlas deploy ${tag ? '--tag "$tag"' : ''} --login-stdin`,
  ];
  process.stdout.write(`${await runScriptAsRoot(remote, wrapScript(names, body.join('\n')), AGAIN)}\n`);
}
