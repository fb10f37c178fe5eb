import knex, { type Knex } from 'knex';

/**
 * Opens the pool; no connection is made before the first query.
 * @param options.lockTimeoutSeconds how long a statement waits for a lock (0: for ever).
 * @param options.statementTimeoutSeconds how long one statement may run (0: for ever).
 */
export function openDatabase(options: {
  url: string;
  name: string;
  lockTimeoutSeconds?: number;
  statementTimeoutSeconds?: number;
}): Knex {
  const { lockTimeoutSeconds = 0, statementTimeoutSeconds = 0 } = options;
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.url,
      application_name: `atlas-${options.name}`,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      options: `-c lock_timeout=${lockTimeoutSeconds}s -c statement_timeout=${statementTimeoutSeconds}s`,
    } as Knex.PgConnectionConfig,
    // min 0: a connection that postgres dropped while idle is not kept and handed out.
    pool: { min: 0, max: 10 },
    acquireConnectionTimeout: 5_000,
  });
}

/** Rejects unless the database answers. */
export async function pingDatabase(db: Knex): Promise<void> {
  await db.raw('select 1');
}
