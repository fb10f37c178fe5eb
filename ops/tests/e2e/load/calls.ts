import { randomUUID } from 'node:crypto';
import type { Call } from './call.ts';

const POST_SHARE = 0.4;

/** What the calls of one load have in common. */
export interface Subject {
  token: string;
  /** A salon to read. */
  slug: string;
}

/**
 * One call of the mix: 40% create a salon, the others read the list, a salon, the liveness or the front. Not the
 * readiness: a busy machine may truly say 503 there, and nothing is lost by it.
 */
export function drawCall({ token, slug }: Subject): Call {
  if (Math.random() < POST_SHARE)
    return createSalonCall(token, { name: `Load ${randomUUID()}`, city: 'Load' });
  const reads = [
    read('/api/salons'),
    read('/livez'),
    read('/'),
    // It is not published: with the token it is seen, and never from a cache.
    { ...read(`/api/salons/${slug}`), headers: { authorization: `Bearer ${token}` } },
  ];
  return reads[Math.floor(Math.random() * reads.length)] as Call;
}

/** POST of an unpublished salon. Names should differ: equal ones make the api search for a free slug. */
export function createSalonCall(token: string, salon: Record<string, unknown>): Call {
  const body = JSON.stringify({ ...salon, published: false });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
  return { method: 'POST', path: '/api/salons', headers, body, expected: 201 };
}

function read(path: string): Call {
  return { method: 'GET', path, headers: {}, expected: 200 };
}
