import { psql } from './postgres.ts';

/**
 * Makes sure of the role that receives WAL and takes base backups, of its password, and of the table that it writes its
 * heartbeat to. Changes nothing that is so already.
 * @param container of postgres  @param password as the schema of the settings allows it  @throws Failure
 */
export async function ensureWalRole(container: string, password: string): Promise<void> {
  await psql(container, 'postgres', renderScript(password));
}

const renderScript = (password: string) => `
-- No statement with a password in it goes to the log, slow or wrong.
set log_min_duration_statement = -1;
set log_min_error_statement = panic;
set client_min_messages = warning;
begin;
select 'create role atlas_wal' where to_regrole('atlas_wal') is null \\gexec
alter role atlas_wal login replication nosuperuser nocreatedb nocreaterole password '${password}';
grant pg_monitor to atlas_wal;
create schema if not exists atlas_wal authorization atlas_wal;
create table if not exists atlas_wal.heartbeat (id int primary key check (id = 1), at timestamptz not null);
alter table atlas_wal.heartbeat owner to atlas_wal;
commit;
`;
