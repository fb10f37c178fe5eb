import type { Migration } from '../db/migrator.ts';
import * as init from './20261124000001_init.ts';
import * as admin from './20261124000002_admin.ts';

/**
 * Every migration by name, oldest first. Imported one by one, so that the bundle carries them; named
 * without extension, so that source and bundle agree in the database.
 */
export const migrations: ReadonlyMap<string, Migration> = new Map<string, Migration>([
  ['20261124000001_init', init],
  ['20261124000002_admin', admin],
]);
