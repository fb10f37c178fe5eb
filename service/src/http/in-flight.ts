import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** A request that has not been answered to its end. */
export interface RequestInFlight {
  method: string;
  /** Without the query: people search for names. */
  path: string;
  /** Since its headers were read, to a tenth. */
  seconds: number;
  requestId: string;
}

/** Watches a server from now on; the answer lists what is in flight at the time, longest running first. */
export function watchRequests(server: Server): () => RequestInFlight[] {
  const running = new Map<ServerResponse, { request: IncomingMessage; started: number }>();
  server.on('request', (request, response) => {
    running.set(response, { request, started: performance.now() });
    response.once('close', () => running.delete(response));
  });
  return () =>
    [...running].map(([response, { request, started }]) => ({
      method: request.method ?? '',
      path: request.url?.split('?')[0] ?? '',
      seconds: Math.round((performance.now() - started) / 100) / 10,
      // The application gives every request its id in the answer's headers (middleware/request-log.ts).
      requestId: String(response.getHeader('X-Request-Id') ?? ''),
    }));
}
