import type { Migration } from '../db/migrator.ts';
import * as init from './20261124000001_init.ts';
import * as admin from './20261124000002_admin.ts';
import * as accounts from './20261124000003_accounts.ts';
import * as queueSamples from './20261124000004_queue_samples.ts';
import * as search from './20261124000005_search.ts';
import * as photoFiles from './20261124000006_photo_files.ts';

/**
 * Every migration by name, oldest first. Imported one by one, so that the bundle carries them; named
 * without extension, so that source and bundle agree in the database.
 */
export const migrations: ReadonlyMap<string, Migration> = new Map<string, Migration>([
  ['20261124000001_init', init],
  ['20261124000002_admin', admin],
  ['20261124000003_accounts', accounts],
  ['20261124000004_queue_samples', queueSamples],
  ['20261124000005_search', search],
  ['20261124000006_photo_files', photoFiles],
]);
