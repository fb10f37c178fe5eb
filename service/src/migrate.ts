import type { Knex } from 'knex';
import { loadConfig } from './config.ts';
import { openDatabase } from './db/connection.ts';
import {
  listMigrations,
  MigrationError,
  type MigrationState,
  migrateDown,
  migrateUp,
  NOTHING,
} from './db/migrator.ts';
import { UsageError } from './errors.ts';
import { migrations } from './migrations/index.ts';

const USAGE = `usage: migrate [up] | migrate list [--json] | migrate down --to NAME (or --to ${NOTHING})`;

/** `migrate`: brings the database to this image's schema, shows where it is, or takes it back. */
export async function runMigrate(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const command = parse(args);
  const config = loadConfig('migrate', env);
  const db = openDatabase({
    url: config.DATABASE_URL,
    name: 'migrate',
    lockTimeoutSeconds: config.LOCK_TIMEOUT_SECONDS,
  });
  try {
    process.stdout.write(await command(db));
    return 0;
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    await db.destroy();
  }
}

function parse([verb = 'up', ...rest]: string[]): (db: Knex) => Promise<string> {
  const [flag, value] = rest;
  if (verb === 'up' && rest.length === 0) return up;
  if (verb === 'list' && rest.length === 0) return (db) => list(db, false);
  if (verb === 'list' && flag === '--json' && rest.length === 1) return (db) => list(db, true);
  if (verb === 'down' && flag === '--to' && value && rest.length === 2) return (db) => down(db, value);
  throw new UsageError(USAGE);
}

async function up(db: Knex): Promise<string> {
  const names = await migrateUp(db, migrations);
  return names.map((name) => `applied ${name}\n`).join('') || 'nothing to apply\n';
}

async function down(db: Knex, to: string): Promise<string> {
  const names = await migrateDown(db, migrations, to);
  return names.map((name) => `undid ${name}\n`).join('') || 'nothing to undo\n';
}

async function list(db: Knex, json: boolean): Promise<string> {
  const states = await listMigrations(db, migrations);
  if (json) return `${JSON.stringify(states)}\n`;
  return states
    .map((state) => `${state.applied ? 'applied' : 'pending'}  ${state.name}${remarks(state)}\n`)
    .join('');
}

function remarks({ known, breaking }: MigrationState): string {
  const words = [known ? '' : 'not in this image', breaking ? 'breaking' : ''].filter(Boolean);
  return words.length > 0 ? `  (${words.join(', ')})` : '';
}
