import { execa } from 'execa';
import { EXIT, Failure } from '../report/failure.ts';
import { formatCommand, lastLines, run } from './exec.ts';

/** A machine to log in to. */
export interface Remote {
  /** `[user@]host`; a host may be an alias of ssh's own configuration. */
  host: string;
  /** A file of host keys instead of ssh's own (~/.ssh/known_hosts). */
  knownHosts?: string | undefined;
}

// ssh's own code for "no connection" (ssh(1), EXIT STATUS).
const NO_CONNECTION = 255;

/** HOST as it came. @throws Failure (exit 2) for what ssh would read as something else than a host */
export function checkHost(host: string | undefined): string {
  if (host && /^(\w[\w.-]*@)?(\w[\w.-]*|\[[\da-fA-F:.%]+\])$/.test(host)) return host;
  throw new Failure(host ? `HOST=${host} is not user@host` : 'HOST is missing', {
    state: 'nothing was changed',
    next: 'HOST=root@203.0.113.7, or an alias of ~/.ssh/config, where ports belong too',
    exitCode: EXIT.usage,
  });
}

/**
 * Keys only, and no host that is not known: nobody is asked, nothing is believed on first sight. That a key is what we
 * log in with is also why `HARDEN=1` cannot lock us out.
 */
export function sshOptions({ knownHosts }: Remote): string[] {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'PreferredAuthentications=publickey',
    'ConnectTimeout=15',
    'ServerAliveInterval=15',
    ...(knownHosts ? [`UserKnownHostsFile="${knownHosts}"`, 'GlobalKnownHostsFile=/dev/null'] : []),
  ];
  return options.flatMap((option) => ['-o', option]);
}

// The only text of ours that the login shell there reads. sudo drops SSH_CONNECTION, and who logged in.
const AS_ROOT = [
  `set -- "$(id -un)" "\${SSH_CONNECTION##* }"`,
  'if [ "$(id -u)" = 0 ]; then exec bash -s -- "$@"; else exec sudo -n bash -s -- "$@"; fi',
].join('; ');

/**
 * Runs a bash script on the machine as root, by sudo unless root logs in. It travels on standard input, so that nothing in it
 * is seen in a list of processes; $1 is who logged in, $2 sshd's port.
 * @param next what to do when it fails
 * @throws Failure when there is no connection, or the script fails; exit 2 when the script says so
 */
export async function runScriptAsRoot(remote: Remote, script: string, next: string): Promise<string> {
  const result = await execa('ssh', [...sshOptions(remote), remote.host, AS_ROOT], {
    input: script,
    stderr: ['inherit', 'pipe'],
    reject: false,
  });
  if (result.exitCode === 0) return result.stdout;
  throw describeFailure(remote, result.exitCode, result.stderr, next);
}

function describeFailure(
  { host }: Remote,
  exitCode: number | undefined,
  stderr: string,
  next: string,
): Failure {
  const log = lastLines(stderr);
  if (exitCode !== NO_CONNECTION)
    return new Failure(`${host}: what ran there ended with ${exitCode}`, {
      command: formatCommand('ssh', [host, 'bash -s']),
      next,
      exitCode: exitCode === EXIT.usage ? EXIT.usage : EXIT.failed,
    });
  return new Failure(`${host}: no connection, or it was cut`, {
    command: `ssh ${host}`,
    log,
    next: `a host key that is not known: compare it with what your provider shows, then log in once with ssh ${host}; a key that is refused: ssh-copy-id ${host}; then run the same command again`,
  });
}

/**
 * Sends commits and tags of a repository here into one of root's there.
 * @param refspecs `what:where`, as git push takes them
 * @throws Failure with git's own words
 */
export async function pushAsRoot(
  remote: Remote,
  from: string,
  to: string,
  refspecs: readonly string[],
): Promise<void> {
  const address = `${remote.host}:${to}`;
  await run(
    'git',
    ['-C', from, 'push', '--quiet', '--receive-pack=sudo -n git-receive-pack', address, ...refspecs],
    {
      env: { GIT_SSH_COMMAND: formatCommand('ssh', sshOptions(remote)) },
      shownAs: `git push ${address} ${refspecs.join(' ')}`,
      next: 'mend what git says, then run the same command again',
    },
  );
}
