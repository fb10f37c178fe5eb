import path from 'node:path';
import {
  DATABASE,
  findShortage,
  formatDatabaseName,
  type Manifest,
  parseFreeBytes,
} from '../plan/backups.ts';
import { EXIT, Failure } from '../report/failure.ts';
import { verifyFiles } from './digest.ts';
import { paths } from './paths.ts';
import { endRestore, fillDatabase, proveDatabase } from './pg-restore.ts';
import { endSessions, explain, finish, inContainer, psql, startDocker, toMegabytes } from './postgres.ts';
import { fillTables, type TableChoice } from './restore-tables.ts';
import { swapDatabases } from './swap.ts';

// Settings whose value is stored as a list of quoted names already, as pg_dump knows them too.
const LISTS = "'search_path', 'local_preload_libraries', 'session_preload_libraries', 'temp_tablespaces'";

export interface RestoreRequest {
  postgresContainer: string;
  /** Called when the restored database is proved and waits beside the current one: stops what writes. */
  whenReady: () => Promise<void>;
  /** Names the new database and the one that is kept. */
  now: Date;
  /** Directory of all backups. */
  backups?: string;
  /** Only these tables come from the backup, everything else from a dump of the present. */
  only?: TableChoice;
}

/**
 * Restores a dump into a new database, proves it equal to what was dumped, and only then puts it in the place
 * of the current one, which is kept. The caller holds the lock.
 * @returns the name of the database from before
 * @throws Failure, with the new database dropped and the current one as it was; exit 3 when that is not certain
 */
export async function restoreDump(
  manifest: Manifest,
  request: RestoreRequest,
): Promise<{ keptDatabase: string }> {
  const { postgresContainer: container, now, backups = paths.backups } = request;
  const directory = path.join(backups, manifest.id);
  const fresh = formatDatabaseName('restore', now);
  await verifyFiles(manifest, directory);
  try {
    await dropRestored(container);
    await requireSpace(container, manifest);
    await createAlike(container, fresh);
    if (request.only) await fillTables(container, fresh, backups, manifest, request.only);
    else {
      await fillDatabase(container, fresh, directory);
      await proveDatabase(container, fresh, manifest.tables);
    }
    await request.whenReady();
    return { keptDatabase: await swapDatabases(container, fresh, now) };
  } catch (error) {
    const isDropped = await dropRestored(container).then(
      () => true,
      () => false,
    );
    // After a swap that was made there is nothing of that name to drop, so this is safe when nobody knows.
    if (error instanceof Failure && error.exitCode === EXIT.human) throw error;
    const leftover = isDropped ? '' : `, ${fresh} may be left beside it: the next restore drops it`;
    throw explain(error, `${manifest.id} was not restored`, {
      state: `the database is as it was${leftover}`,
      next: 'mend that, then run the same command again',
    });
  }
}

/** Drops restored databases that never came into their place, this restore's and those of killed ones. */
async function dropRestored(container: string): Promise<void> {
  await endRestore(container);
  await endSessions(container);
  const names = `datname ~ '^${DATABASE}_restore_\\d{8}t\\d{6}z$'`;
  await psql(
    container,
    'postgres',
    `select format('drop database if exists %I with (force)', datname) from pg_database where ${names} \\gexec`,
  );
}

/** Postgres stops altogether when its disk is full. */
export async function requireSpace(container: string, { database }: Manifest): Promise<void> {
  const directory = (await psql(container, 'postgres', 'show data_directory;')).trim();
  const args = inContainer(container, 'df', '-Pk', directory);
  const child = startDocker(args, 'ignore');
  await finish('df', args, child);
  const shortage = findShortage(parseFreeBytes(String((await child).stdout)), database.bytes);
  if (shortage === 0) return;
  throw new Failure(
    `the disk is too full for a second database of ${toMegabytes(database.bytes)} MB and 500 MB to spare`,
    {
      next: `free ${toMegabytes(shortage)} MB where the volume of postgres lies, then run the same command again`,
    },
  );
}

/** Creates an empty database with owner, encoding, locale, privileges and settings of the current one. */
async function createAlike(container: string, fresh: string): Promise<void> {
  // What pg_dump keeps of the database itself comes only together with its name: the current one is asked instead.
  await psql(
    container,
    DATABASE,
    `
select format('create database ${fresh} owner %I template template0 encoding %L lc_collate %L lc_ctype %L
  connection limit %s', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit)
  || case datlocprovider when 'i' then format(' locale_provider icu icu_locale %L', datlocale)
    when 'b' then format(' locale_provider builtin builtin_locale %L', datlocale) else ' locale_provider libc' end
from pg_database where datname = current_database() \\gexec
select 'revoke all on database ${fresh} from public'
from pg_database where datname = current_database() and datacl is not null \\gexec
select format('grant %s on database ${fresh} to %s%s', privilege_type,
  case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
  case when is_grantable then ' with grant option' else '' end)
from pg_database, aclexplode(datacl) where datname = current_database() \\gexec
select format('alter %s database ${fresh} set %I to %s',
  case setrole when 0 then '' else format('role %I in', pg_get_userbyid(setrole)) end, name,
  case when value = '""' then quote_literal('') when name in (${LISTS}) then value
    else quote_literal(value) end)
from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(setconfig) setting,
  split_part(setting, '=', 1) name, substr(setting, length(name) + 2) value
where datname = current_database() \\gexec
`,
  );
}
