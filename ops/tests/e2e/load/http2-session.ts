import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { TIMEOUT_MILLISECONDS } from './call.ts';

/** One connection that speaks HTTP/2. */
export interface Session {
  http2: ClientHttp2Session;
  /** Resolves when streams can be opened; rejects when the connection does not come about. */
  ready: Promise<void>;
  /** Whether no new stream may be opened on it. */
  isOver: () => boolean;
  /** The last stream that the server's GOAWAY says it may have looked at; Infinity before one. */
  lastStreamId: () => number;
}

export function openSession(port: number): Session {
  const http2 = connect(`https://127.0.0.1:${port}`, { servername: 'localhost', rejectUnauthorized: false });
  let lastStreamId = Number.POSITIVE_INFINITY;
  http2.on('goaway', (_code, last) => {
    lastStreamId = Math.min(lastStreamId, last);
  });
  http2.on('error', () => {}); // `ready` rejects with it, or its streams end with it
  const ready = connected(http2);
  ready.catch(() => {}); // whoever wants to use the session awaits it too
  return {
    http2,
    ready,
    isOver: () => http2.closed || http2.destroyed,
    lastStreamId: () => lastStreamId,
  };
}

async function connected(http2: ClientHttp2Session): Promise<void> {
  const late = () => http2.destroy(new Error(`no connection in ${TIMEOUT_MILLISECONDS / 1000} s`));
  const timer = setTimeout(late, TIMEOUT_MILLISECONDS);
  const closed = once(http2, 'close').then(() => Promise.reject(new Error('closed before it was connected')));
  closed.catch(() => {}); // it closes some day in any case
  try {
    await Promise.race([once(http2, 'connect'), closed]);
  } finally {
    clearTimeout(timer);
  }
}
