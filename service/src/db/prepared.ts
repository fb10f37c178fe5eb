import type { Knex } from 'knex';

/**
 * Rows of a statement that each connection prepares once. Takes a connection of knex's pool, or the transaction's, and asks
 * the driver itself: knex's builder and runner cost more than PostgreSQL's answer to what is read most.
 * @param name unlike that of any other statement  @throws what the driver throws
 */
export async function readPrepared<Row>(
  db: Knex,
  { name, text }: { name: string; text: string },
  values: readonly unknown[],
): Promise<Row[]> {
  const client = db.client as Knex.Client;
  const connection = await client.acquireConnection();
  try {
    client.emit('query', { sql: text, bindings: values }); // as knex does
    return (await connection.query({ name, text, values })).rows;
  } finally {
    await client.releaseConnection(connection);
  }
}
