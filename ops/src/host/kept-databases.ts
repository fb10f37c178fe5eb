import { KEPT_DATABASE } from '../plan/backups.ts';
import { psql } from './postgres.ts';

export interface KeptDatabase {
  name: string;
  bytes: number;
}

/** The databases that restores have taken out of their place and kept, oldest first. @throws Failure */
export async function listKeptDatabases(container: string): Promise<KeptDatabase[]> {
  const query = 'select datname, pg_database_size(oid) from pg_database order by datname;';
  const rows = (await psql(container, 'postgres', query)).split('\n').map((row) => row.split('|'));
  return rows
    .map(([name = '', bytes]) => ({ name, bytes: Number(bytes) }))
    .filter(({ name }) => KEPT_DATABASE.test(name));
}

/** @throws Failure while somebody is in it, who may be rescuing something */
export async function dropKeptDatabase(container: string, { name }: KeptDatabase): Promise<void> {
  if (!KEPT_DATABASE.test(name)) throw new Error(`${name} was not kept by a restore`);
  await psql(container, 'postgres', `drop database if exists ${name};`);
}
