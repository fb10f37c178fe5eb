import { Command, CommanderError } from 'commander';
import { createAdmin, createToken, listTokens, revokeToken } from './commands/accounts.ts';
import { backup } from './commands/backup.ts';
import { backups } from './commands/backups.ts';
import { base } from './commands/base.ts';
import { certs } from './commands/certs.ts';
import { chooseRestore } from './commands/choose-restore.ts';
import { cron } from './commands/cron.ts';
import { deploy } from './commands/deploy.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { drill } from './commands/drill.ts';
import { importEnv } from './commands/env-import.ts';
import { health } from './commands/health.ts';
import { image } from './commands/image.ts';
import { maintenance } from './commands/maintenance.ts';
import { copyMedia } from './commands/media.ts';
import { offsite, offsiteKey } from './commands/offsite.ts';
import { provision } from './commands/provision.ts';
import { recover } from './commands/recover.ts';
import { releases, rollback } from './commands/releases.ts';
import { restoreClean } from './commands/restore-clean.ts';
import { seed } from './commands/seed.ts';
import { logs, psql, start, stop } from './commands/services.ts';
import { status } from './commands/status.ts';
import { paths } from './host/paths.ts';
import { EXIT, type ExitCode, Failure, formatFailure } from './report/failure.ts';

/** Every verb, its options and what it calls. */
function createProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command('atlas').exitOverride().showSuggestionAfterError();
  const verb = (usage: string, description: string) => program.command(usage).description(description);

  verb('deploy', 'bring this server to a release')
    .option('--tag <tag>', 'an image tag; without it this checkout is built')
    .option('--dry-run', 'print the plan and change nothing')
    .option('--wait <seconds>', 'wait for another command to end')
    .option(
      '--schema <choice>',
      'migrations the release does not know: down undoes them, restore goes back to a dump',
    )
    .option('--yes', 'do not ask before something is lost')
    .option('--login-stdin', "the registry's login is on standard input: one line, USER TOKEN")
    .action(async (options) => finish(await deploy(options)));
  verb('rollback [tag]', 'go back to a release, by default the good one before')
    .option('--dry-run', 'print the plan and change nothing')
    .option('--wait <seconds>', 'wait for another command to end')
    .option(
      '--schema <choice>',
      'migrations the release does not know: down undoes them, restore goes back to a dump',
    )
    .option('--yes', 'do not ask before something is lost')
    .option('--login-stdin', "the registry's login is on standard input: one line, USER TOKEN")
    .action(async (tag, options) => finish(await rollback(tag, options)));
  verb('releases', 'every deploy and rollback')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await releases(options)));
  verb('status', 'release, containers, health, certificate, disk')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await status(options)));
  verb('health', 'look at what may go wrong, and send the alerts that are due')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await health(options)));
  verb('doctor', 'check everything: pass, fail or unknown, and what to do')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await doctor(options)));
  verb('certs', 'the certificate: names, issuer, days left, next check, last error')
    .option('--renew', 'ask the CA for a new one now')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await certs(options)));
  verb(
    'maintenance [state]',
    'on: everybody but health checks and the panel is told to come back; off',
  ).action(async (state) => finish(await maintenance(state)));
  verb('backup', 'dump the database, keep the photos, prove both, rotate')
    .option('--reason <word>', 'part of the name')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await backup(options)));
  verb(
    'backups',
    'every backup and base backup, read whole; to which moments the WAL leads; and what is broken',
  )
    .option('--json', 'for scripts')
    .action(async (options) => finish(await backups(options)));
  verb('drill', 'restore the newest backup into a throwaway postgres and compare every table')
    .option('--from <id>', 'another backup; s3://bucket/prefix: what the bucket has, instead')
    .option('--key <file>', 'with the private key of age, for the bucket')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await drill(options)));
  verb('restore', 'bring database and photos back from a backup; the present database is kept')
    .option('--from <id>', 'a backup; without it the newest')
    .option('--tables <names>', 'these tables only, with commas between them')
    .option('--skip-safety', 'take no backup of the present state first')
    .option('--at <moment>', 'instead of a backup: the database as it was then, from base backup and WAL')
    .option('--point <name>', 'the same, at a restore point: deploy-v1.3.0')
    .option('--latest', 'the same, at the last commit there is')
    .option('--timeline <number>', 'another timeline than the one that serves')
    .option('--inspect', 'only leave the recovered cluster running, to be looked at')
    .option('--yes', 'do not ask')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await chooseRestore(options)));
  verb('base', 'take a base backup of the whole cluster, from which WAL leads to any second')
    .option('--due', 'only when none leads into the WAL that is received')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await base(options)));
  verb('recover', 'the whole site on a fresh machine, from the bucket')
    .option('--from <url>', 's3://bucket/prefix')
    .option('--key <file>', 'with the private key of age')
    .option('--at <moment>', 'an instant; without it the last commit that the bucket has')
    .action(async (options) => finish(await recover(options)));
  verb('offsite', 'send to the bucket of BACKUP_S3_* what it does not have, encrypted')
    .option('--watch', 'go on for as long as settings and code are the same')
    .action(async (options) => finish(await offsite(options)));
  verb('offsite-key', 'make a pair of keys for it: the private one is printed').action(async () =>
    finish(await offsiteKey()),
  );
  verb('cron', 'backups, drills and health by themselves: give them to cron, and say when each runs')
    .option('--remove', 'take them away')
    .action(async (options) => finish(await cron(options)));
  verb('restore-clean', 'drop the databases that restores have kept')
    .option('--yes', 'do not ask')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await restoreClean(options)));
  verb('env-import', 'merge KEY=value lines from standard input into .env, all of them or none')
    .option('--wait <seconds>', 'wait for another command to end')
    .action(async (options) => finish(await importEnv(options)));
  verb('logs [service]', 'follow the logs')
    .option('--no-follow', 'print and end')
    .option('--tail <lines>', 'lines to begin with', '100')
    .action(async (service, options) => finish(await logs(service, options)));
  verb('stop', 'stop every service; data stays').action(async () => finish(await stop()));
  verb('start', 'start every service').action(async () => finish(await start()));
  verb('psql [args...]', 'a psql session in the database').action(async (args) => finish(await psql(args)));
  verb('token [name]', 'make an API token')
    .option('--scope <scope>', 'read or write')
    .option('--days <days>', 'until it expires; 0: never')
    .action(async (name, options) => finish(await createToken(name, options)));
  verb('tokens', 'every API token: state, scope, use, expiry')
    .option('--json', 'for scripts')
    .action(async (options) => finish(await listTokens(options)));
  verb('token-revoke [id]', 'revoke an API token').action(async (id) => finish(await revokeToken(id)));
  verb('admin [email]', 'make an administrator of the panel')
    .option('--reset', 'give an existing administrator a new password')
    .action(async (email, options) => finish(await createAdmin(email, options)));
  verb('seed', 'add example salons with pictures')
    .option('--yes', 'also beside salons of your own')
    .action(async (options) => finish(await seed(options)));
  verb('media-copy', 'copy photos from uploads/ to the bucket that .env names')
    .option('--dry-run', 'count and change nothing')
    .option('--verify', 'read back also what an earlier run has copied')
    .action(async (options) => finish(await copyMedia(options)));
  verb('image', "build the service's image from this checkout")
    .option('--tag <tag>', 'its tag; without it one made from its content')
    .option('--push', 'for every platform, with SBOM and provenance, to the registry of IMAGE_NAME')
    .option('--platforms <list>', 'which ones, with commas', 'linux/amd64,linux/arm64')
    .action(async (options) => finish(await image(options)));
  verb('provision', 'bring a bare VPS to its first release, over SSH')
    .option('--host <host>', 'user@vps: root, or somebody who may sudo without a password')
    .option('--known-hosts <file>', 'host keys, instead of ~/.ssh/known_hosts')
    .option('--tag <tag>', 'the release to begin with; without it the VPS builds this commit')
    .option('--key <file>', "the public half of CI's key")
    .option('--repo <url>', "where the VPS fetches later tags; without it this repository's origin")
    .option('--env-file <file>', 'settings for the first deploy, KEY=value in each line')
    .option('--harden', 'SSH without passwords')
    .option('--login-stdin', "the registry's login is on standard input: one line, USER TOKEN")
    .option('--dry-run', 'print what would change and change nothing')
    .action(async (options) => finish(await provision(options)));
  verb('dev', 'api and worker from source with reload').action(async () => finish(await dev()));
  return program;
}

async function main(): Promise<ExitCode> {
  process.chdir(paths.root);
  let exitCode: ExitCode = EXIT.done;
  try {
    await createProgram((code) => {
      exitCode = code;
    }).parseAsync();
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`\n${formatFailure(error)}\n`);
    return error.exitCode;
  }
}

process.exitCode = await main();
