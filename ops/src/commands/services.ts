import { bringUp, createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { attach } from '../host/exec.ts';
import { withLock } from '../host/lock.ts';
import { SERVICES } from '../plan/containers.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { step } from '../report/steps.ts';
import { endKilledRestore } from './restore-maintenance.ts';

/** Follows the logs of one service or of all. */
export async function logs(
  service: string | undefined,
  options: { follow: boolean; tail: string },
): Promise<ExitCode> {
  if (service) checkService(service);
  const compose = createCompose(await loadSettings());
  const follow = options.follow ? ['--follow'] : [];
  const code = await attach(
    'docker',
    compose.args('logs', ...follow, '--tail', options.tail, ...(service ? [service] : [])),
    compose.env,
  );
  return code === 0 ? EXIT.done : EXIT.failed;
}

/** Stops every container; data and configuration stay. */
export async function stop(): Promise<ExitCode> {
  const settings = await loadSettings();
  return withLock('stop', 0, async () => {
    // nginx first: a client is refused at once instead of waiting for an api that is going away.
    await step('stop all services', async () => {
      await createCompose(settings).run('stop', 'nginx');
      await createCompose(settings).run('stop');
    });
    return EXIT.done;
  });
}

/** Starts what `stop` stopped: the release that .env names. */
export async function start(): Promise<ExitCode> {
  const settings = await loadSettings();
  if (!settings.IMAGE_TAG)
    throw new Failure('nothing has been deployed yet', { next: 'make deploy', exitCode: EXIT.usage });
  return withLock('start', 0, async () => {
    await step(`all services on ${settings.IMAGE_TAG}, healthy`, () => bringUp(createCompose(settings)));
    await endKilledRestore(settings);
    return EXIT.done;
  });
}

/** psql inside the database's container, as the service's own role. */
export async function psql(args: string[]): Promise<ExitCode> {
  const compose = createCompose(await loadSettings());
  const terminal = process.stdin.isTTY ? [] : ['-T'];
  const code = await attach(
    'docker',
    compose.args('exec', ...terminal, 'postgres', 'psql', '--username=atlas', '--dbname=atlas', ...args),
    compose.env,
  );
  return code === 0 ? EXIT.done : EXIT.failed;
}

function checkService(service: string): void {
  if ((SERVICES as readonly string[]).includes(service)) return;
  throw new Failure(`there is no service "${service}"`, {
    next: `make logs SERVICE=<one of: ${SERVICES.join(', ')}>`,
    exitCode: EXIT.usage,
  });
}
