import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problemBody } from './problem.ts';

// Longer than the proxy keeps its idle connections (60 s): the side that closes first must be the client.
const TIMEOUTS = { keepAliveTimeout: 75_000, headersTimeout: 30_000, requestTimeout: 300_000 };

/**
 * An HTTP server whose answers carry X-Release even when the request never reaches the application: what the
 * parser refuses is answered here.
 */
export function createHttpServer(release: string, listener: RequestListener): Server {
  // Node would answer a request without Host by itself, and without X-Release.
  const options = { ...TIMEOUTS, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    if (request.headers.host === undefined) return request.socket.end(parserAnswer(400, release));
    listener(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // A connection that was reset has nobody left to answer to.
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
    socket.end(parserAnswer(statusOf(error.code), release));
  });
  return server;
}

/** Listens on all addresses; resolves when connections are accepted. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function statusOf(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return 400;
}

function parserAnswer(status: number, release: string): string {
  const body = problemBody(status, 'the request is not valid HTTP');
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `X-Release: ${release}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
