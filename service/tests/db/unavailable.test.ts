import { expect } from 'chai';
import { isUnavailable } from '../../src/db/unavailable.ts';

describe('the database is away', () => {
  const failed = (message: string, code?: string) => Object.assign(new Error(message), code && { code });

  // Anchored at the start alone it misses what knex puts the statement in front of (tried).
  it('when it ends connections, refuses them, or gives none', () => {
    for (const error of [
      failed('select 1 - terminating connection due to administrator command', '57P01'),
      failed('the database system is starting up', '57P03'),
      failed('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'),
      failed('select "id" from "salons" - Connection terminated unexpectedly'),
      failed('Connection terminated due to connection timeout'),
      failed('timeout expired'),
      failed('Knex: Timeout acquiring a connection. The pool is probably full.'),
      new AggregateError([failed('connect ECONNREFUSED ::1:5432', 'ECONNREFUSED')]),
    ])
      expect(isUnavailable(error), error.message).to.equal(true);
  });

  it('and not when it refuses what it is asked', () => {
    for (const error of [
      failed('insert into "salons" - duplicate key value', '23505'),
      failed('canceling statement due to statement timeout', '57014'),
      failed(`select 'Connection terminated' - syntax error`),
      failed('Cannot read properties of undefined'),
      'timeout expired',
    ])
      expect(isUnavailable(error), String(error)).to.equal(false);
  });
});
